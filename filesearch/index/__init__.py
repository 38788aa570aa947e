"""Index: the immutable files a search reads; keyword postings live in `bm25`."""
