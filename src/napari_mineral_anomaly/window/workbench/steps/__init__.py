"""The five steps of the workbench: Open, Look, Find, Decide, Hand over."""
