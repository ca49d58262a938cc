"""The shelf of questionnaires: one folder each, its structure as data, its wording only where the licence allows."""
