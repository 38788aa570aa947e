"""What the OpenAPI document says of answers about assistants, threads and messages is so."""

from filesearch.server.wire.assistants import AssistantPage
from filesearch.server.wire.threads import MessagePage, ThreadBody


def test_answers_have_the_documented_shape(live):
    threads, assistants = live.client.beta.threads, live.client.beta.assistants
    assistants.create(model="m", tools=[{"type": "file_search"}, {"type": "code_interpreter"}])
    thread = threads.create(messages=[{"role": "user", "content": "hello"}])
    for answer, shape in (
        (assistants.with_raw_response.list(), AssistantPage),
        (threads.with_raw_response.retrieve(thread.id), ThreadBody),
        (threads.messages.with_raw_response.list(thread.id), MessagePage),
    ):
        shape.model_validate_json(answer.text)


def test_the_document_names_those_shapes(live):
    paths = live.client.get("/../openapi.json", cast_to=object)["paths"]
    for path, method, shape in (
        ("/v1/assistants", "post", "AssistantBody"),
        ("/v1/assistants", "get", "AssistantPage"),
        ("/v1/threads/{thread_id}", "delete", "ThreadDeleted"),
        ("/v1/threads/{thread_id}/messages", "get", "MessagePage"),
    ):
        answer = paths[path][method]["responses"]["200"]["content"]["application/json"]
        assert answer["schema"] == {"$ref": f"#/components/schemas/{shape}"}
