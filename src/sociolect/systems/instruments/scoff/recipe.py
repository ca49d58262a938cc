"""SCOFF: asked of planted or named models, scored, with its validity card."""

from pathlib import Path

from sociolect.systems import questionnaire

run = questionnaire.recipe(Path(__file__).parent)
