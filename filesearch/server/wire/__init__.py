"""Wire: requests and responses of the OpenAI API as pydantic models, one module per resource."""
