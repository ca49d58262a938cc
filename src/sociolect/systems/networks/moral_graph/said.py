"""What the page says between its tables."""

ALWAYS = (
    ("edges", "kept from two wiser voters on, likelihood .33, entropy 1.69 bits"),
    ("order", "PageRank, damping .85, 100 turns, mass of nodes without a way out is dropped"),
    ("intervals", "95%, voters drawn with replacement, all votes of one together"),
)
GRAPH = """Each arc leads from a value to one that voters found wiser. Values stand in the order of PageRank: the circle is a value's place by wisdom, the square its \
place by popularity."""
CLAIMS = """How people felt about the process can only be asked of them. The claim about experts is held against places gained from popularity to \
wisdom: above 0, a value is judged wiser than its popularity says."""
RANKS = """`rank` is the place by PageRank over all contexts, `low` and `high` hold 95% of the places over draws of the voters, `first` is the share of draws in which it \
leads. `popularity` is the share of those shown a value who marked it as wise to consider: never raw marks, for popular values are shown more often. `gained` is places from \
popularity to wisdom. `net wins` and `Bradley-Terry` are plainer orders of the same votes."""
CONTEXTS = "One graph per context, beside the one over all: how contexts were weighted in the published graph is not known. The three highest places of each."
PAIRS = """Voters, not votes: who says the same thing in two contexts counts once. `less_wise` is the wiser votes on the reverse; where the reverse was never shown, nobody could \
say it. `weight` is (wiser − less wise) / all four; `entropy` counts how often a pair was shown as one of five shares, so that a unanimous pair has 1 bit, not 0."""
RECOVERY = """Planted worlds: 12 values in a hidden order, 200 voters of whom a fifth vote at random, 15% of votes not sure. Kendall's tau of 1 is the planted order, 0 is chance. The worst \
seed is printed with the mean. Net wins and Bradley-Terry's abilities are made of the same votes: what PageRank adds is what it has beyond them, and where they have more the graph loses what the votes hold."""
PANEL = "The panel above knows the planted order too: how well each of its graphs has it back. Contexts share the voters, so each has a third of the votes."
BRIGADING = """The brigade says wiser to every step to its value and not wiser to every step from it. Each value is pushed in turn; the worlds are otherwise the same to the last \
vote. The largest single rise stands beside the mean: that a mean is small does not mean that nobody is moved."""
GROUPS = """The graph of one group's votes beside another's. Floor and ceiling hold 95% of what halves of the same sizes have between them when groups are drawn at random: a number \
below its floor says that the groups differ, one between says nothing."""
INTERVIEWS = """A card is accepted when its participant agrees to it within 20 turns. Where a participant was told what to attend to, the policies on the card are matched \
with those, and a card with fewer than three of the four is not accepted."""
TALK = """Participants agreed or disagreed with statements; nobody was asked which of two is wiser. A step from one statement to another counts as wiser for those who disagree \
with the first and agree with the second. So wisdom here is agreement, weighed by what else people agree with."""
ATTRITION = "Votes as they came, by kind, context and answer, and how many voters gave them."
DIFFER = """The wording of interview, judge and votes is ours, along the checklist of the released code: the published prompts are not known. Interviews end after 20 turns; DBSCAN makes a \
cluster of two cards.

A graph per context and one over all are both printed. A voter who answers a pair alike in several contexts counts once. Which hypotheses a voter sees follows the \
published mixture of popular, converging and sparse; the scale within each is ours.

Ranks have intervals, over voters, which the paper does not give. They hold for one value at a time."""
