"""PDF: pages of positioned text -> Document; document.py puts the parts together."""
