"""The specification's formulas in exact arithmetic, and cases made of them. Shares nothing with the engine."""
