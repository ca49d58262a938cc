"""Language models: whatever writes, and may weigh."""
