"""The paper's tables and figures: what each row is, what it costs, running it, writing it down."""
