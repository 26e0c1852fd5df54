"""A run shown to a person or a machine: `text`, `json`, `html`. Each module has `render(run) -> str`."""
