"""OCR: pictures -> text, by an engine that is installed; engine.py finds it."""
