"""What measurement does: `draw` takes the sample of a day, `label` takes the answers, `publish` stores figures."""
