"""Hash lists: known files, pictures, texts and addresses, and what happens when one of them is published again."""
