"""What is made from a project: its report, its files, a comparison with others, its run again."""
