"""IPIP-NEO-120: what administering it will ask and can show."""

from pathlib import Path

from sociolect.systems import questionnaire_plan

plan = questionnaire_plan.planner(Path(__file__).parent)
