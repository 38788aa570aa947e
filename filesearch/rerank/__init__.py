"""Rerank: a question and passages -> float32 scores in [0, 1], behind `protocols.Reranker`.

    features, learned       the default: a few weights over what retrieval knows, no model is run
    onnx_cross_encoder      any exported cross-encoder with onnxruntime (model_folder.py finds it)
    sentence_transformers   any CrossEncoder of that library; needs the extra of the same name
    http                    rerank endpoints: text-embeddings-inference, Jina, Cohere and their kin

Importing this package, or one of its modules, loads no model and none of their libraries.
"""
