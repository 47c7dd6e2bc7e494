"""The project of one section: results, edits and verdicts in one folder that opens again."""
