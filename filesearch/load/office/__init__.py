"""Office: word processing, slides, sheets and books, of Microsoft, OpenDocument and EPUB."""
