"""Evaluation: how well each stage of search finds what people judged relevant, and how fast.

    directory -> EvaluationSet -> cached index -> rankings of each stage -> measures, differences

reading.py       what the directory holds
index_cache.py   the index of its corpus, made once
running.py       every query through every stage, timed
measures.py      rankings -> nDCG@10, Recall@100, MRR@10, Success@5 (needs the extra `eval`)
bootstrap.py     is a difference between two stages more than chance?
plotting.py      the figures as a picture (needs the extra `eval`)
"""
