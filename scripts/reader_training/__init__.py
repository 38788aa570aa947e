"""What scripts/train_reader.py is made of: texts -> questions -> examples -> model -> fitting."""
