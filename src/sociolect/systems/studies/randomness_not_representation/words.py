"""What the page says in plain words beside its tables."""

WORDS = {
    "forms": """Every question is asked in eight forms: options up or down, lettered or numbered, answered by the label or by the words. An effect is \
the mean over questions of the difference between two levels, all else alike, here in standard deviations between countries; the shaded band is one of \
them. Answers count by option, never by place. p is by random signs of the questions, adjusted (Holm) over players and effects.""",
    "claims": """The paper's figures are not used as a truth: several analyses in the released code do not hold (see README), and it is not known \
whether they made the figures. So no claim has a number to be met; its sign is tested. With planted players a row says whether what was planted is \
found again, and nothing about any real model.""",
    "retest": """A shift is the size of the difference between two forms, question by question; a retest is that of the same form asked twice. Only what \
goes beyond the retest is the form's doing: a model that wavers has large shifts and no format effect.""",
    "habits": """Position: how much oftener the first option shown is chosen than the last, over both directions; who takes the first with probability b scores \
b. Acquiescence: agreement with a question plus agreement with its denial, less 1; who agrees with all with probability a scores a.""",
    "variance": """Questions, countries and forms are crossed, and all random. Representation is the country's part; randomness is the form's, its \
interactions' and the residual, which holds the draw. Intervals are generalised ones: few forms or countries make them wide.""",
    "flips": """A claim is a difference between two countries. Counted are claims of which at least one form has another sign, or another verdict on \
significance, than all forms together: in single forms both waver by chance alone, so that these two counts are high for whoever answers by chance, and \
say how much one form can be trusted. `apart` and `reversed` are beyond chance over all forms and claims together: the form moves the claim, or turns it round.""",
    "claim": """`named` is the level of the form in which a claim is reversed, and in no other; shares are over the forms.""",
    "ranks": "The rank of each country over all forms, its best and worst over single ones, and the share of forms in which it is another.",
    "clusters": """Countries are clustered on all six indices of the values survey module, and on each subset. Against all six a subset shares its own \
dimensions, so that it agrees even where nothing is there; against the dimensions it lacks (held out) chance is 0.""",
    "steering": """The steer ratio is the spread of the steered vectors over that of people's: 1 is people's own. A model can have the right spread with the \
countries mixed up, so the distance to the country it stands for is held against the nearest other. What the noise of repeats adds is taken off.""",
    "prompts": """Each persona's reward is minus the distance to people's mean, -1 where no answer came. The best on one half of the questions is \
tested on the other half; where a model answers under none, there is no row and no prompt in its place.""",
    "case": """Every ordered pair of countries is asked three times, on five points with a neutral one and forced onto four. A country's score is the \
mean of what the ratings give it, whichever place it stood in. A claim hangs on the scale where it is made on one and not on the other, and the scales are apart \
beyond chance. A dash stands for an interval where a resample may hold no pair of a country (`method` in the CSV says so).""",
    "order": """What the country named first gets beyond .5. Scores on the two scales are not comparable where this differs: forced choice turns \
indifference into order.""",
    "letters": """Preference for the letter at the high pole of a dimension, -1 to 1. One thing is changed at a time from one base (letters compared by a hiring \
manager, no reasons, five points, one pair a prompt): absolute rating, role, reasons, number of points, one growing conversation, all pairs in one prompt. \
An effect is the base less the change, a shift its size pair by pair.""",
    "outcomes": "Refusals and replies that could not be read are outcomes, never an option; nothing is asked again in another form.",
    "missing": "A part of the audit that has nothing to stand on is refused, not guessed.",
    "differ": """Effects are paired, by question, and exactly 0 for who never changes an answer; the released shift is not. p-values are computed, with their \
least value said. Every model answers for every country. Failed replies stay null. The retest arm is ours, and so is clustering against held-out dimensions. \
The second persona is chosen among three of ours; no prompt optimiser is used. Letters, values-survey items and countries are invented unless you bring your own.""",
}
