"""Embed: texts -> float32 unit vectors, behind `protocols.Embedder`.

    onnx                    the bundled model (or a folder made like it) with onnxruntime
    sentence_transformers   any model of that library; needs the extra of the same name
    threads, recent         how texts are shared out among threads; the last questions' embeddings
    pieces                  where word pieces stand in a text

Importing this package, or either module, loads no model and none of their libraries.
"""
