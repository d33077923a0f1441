"""Cards: what a linked page says about itself, shown under the posts with its address (decision 0118)."""
