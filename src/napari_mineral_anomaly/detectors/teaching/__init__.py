"""Teaching: what a person calls ordinary joins the background of a finished result."""
