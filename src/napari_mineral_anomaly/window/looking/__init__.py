"""Parts of the step *Look*: chips of the elements, and the numbers under the cursor."""
