"""Legal holds: what a case is about is kept, whatever would delete it, until a person releases it or its time is over."""
