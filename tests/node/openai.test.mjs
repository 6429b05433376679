// The official openai package for Node.
import assert from "node:assert/strict";
import { test } from "node:test";

import OpenAI from "openai";
import { zodFunction, zodResponseFormat, zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";

import { apiKey, baseURL, EMAIL, listed, next, SAID, TEXT } from "./side.mjs";

const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const messages = [{ role: "user", content: TEXT }];
const Letter = z.object({ to: z.string(), lines: z.array(z.string()), urgent: z.boolean() });
const tool = (name, ...properties) => ({
  type: "function",
  function: {
    name,
    parameters: { type: "object", properties: Object.fromEntries(properties.map((one) => [one, { type: "string" }])) },
  },
});

test("chat: whole", async () => {
  const answer = await client.chat.completions.create({ model: "gpt-4o", messages, n: 2 });
  assert.deepEqual(answer.choices.map((choice) => choice.message.content), [SAID, SAID]);
  assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens);
  assert.ok(answer._request_id);
});

test("chat: streamed, with usage last", async () => {
  const options = { stream: true, stream_options: { include_usage: true } };
  const chunks = await listed(client.chat.completions.create({ model: "gpt-4o", messages, ...options }));
  assert.equal(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join(""), SAID);
  assert.deepEqual(chunks.at(-1).choices, []);
  assert.ok(chunks.at(-1).usage.total_tokens > 0);
});

test("chat: the stream helper", async () => {
  const stream = client.chat.completions.stream({ model: "gpt-4o", messages });
  const pieces = [];
  stream.on("content", (piece) => pieces.push(piece));
  assert.equal(await stream.finalContent(), SAID);
  assert.equal(pieces.join(""), SAID);
});

test("chat: two tools at once, and their results", async () => {
  const tools = [tool("look_up", "name"), tool("send_mail", "to")];
  const words = `send_mail and look_up ${EMAIL}`;
  const asked = [{ role: "user", content: words }];
  const answer = await client.chat.completions.create({ model: "gpt-4o", messages: asked, tools });
  const calls = answer.choices[0].message.tool_calls;
  assert.deepEqual(
    calls.map((call) => [call.function.name, JSON.parse(call.function.arguments)]),
    [["send_mail", { to: words }], ["look_up", { name: words }]],
  );
  const results = calls.map((call) => ({ role: "tool", tool_call_id: call.id, content: `done ${EMAIL}` }));
  const history = [...asked, answer.choices[0].message, ...results];
  const followed = await client.chat.completions.create({ model: "gpt-4o", messages: history, tools });
  assert.equal(followed.choices[0].message.content, `You said: done ${EMAIL}`);
});

test("chat: the tool runner", async () => {
  const seen = [];
  const runner = client.chat.completions.runTools({
    model: "gpt-4o",
    messages,
    tools: [
      {
        type: "function",
        function: {
          name: "look_up",
          parse: JSON.parse,
          function: ({ name }) => (seen.push(name), `found ${EMAIL}`),
          parameters: { type: "object", properties: { name: { type: "string" } } },
        },
      },
    ],
  });
  assert.equal(await runner.finalContent(), `You said: found ${EMAIL}`);
  assert.deepEqual(seen, [TEXT]);
});

test("chat: parsed answers and arguments", async () => {
  const response_format = zodResponseFormat(Letter, "letter");
  const answer = await client.chat.completions.parse({ model: "gpt-4o", messages, response_format });
  assert.deepEqual(answer.choices[0].message.parsed, { to: SAID, lines: [SAID], urgent: true });
  const tools = [zodFunction({ name: "letter", parameters: Letter })];
  const called = await client.chat.completions.parse({ model: "gpt-4o", messages, tools });
  const [call] = called.choices[0].message.tool_calls;
  assert.deepEqual(call.function.parsed_arguments, { to: TEXT, lines: [TEXT], urgent: true });
});

test("responses: whole and parsed", async () => {
  const answer = await client.responses.create({ model: "gpt-4o", input: TEXT, instructions: `Sign as ${EMAIL}` });
  assert.equal(answer.output_text, SAID);
  assert.equal(answer.instructions, `Sign as ${EMAIL}`);
  const text = { format: zodTextFormat(Letter, "letter") };
  const parsed = await client.responses.parse({ model: "gpt-4o", input: TEXT, text });
  assert.deepEqual(parsed.output_parsed, { to: SAID, lines: [SAID], urgent: true });
});

test("responses: streamed", async () => {
  const events = await listed(client.responses.create({ model: "gpt-4o", input: TEXT, stream: true }));
  const deltas = events.filter((event) => event.type === "response.output_text.delta").map((event) => event.delta);
  assert.equal(events[0].type, "response.created");
  assert.equal(deltas.join(""), SAID);
  assert.equal(events.at(-1).type, "response.completed");
  const final = await client.responses.stream({ model: "gpt-4o", input: TEXT }).finalResponse();
  assert.equal(final.output_text, SAID);
});

test("responses: a tool and its result", async () => {
  const tools = [{ ...tool("look_up", "name").function, type: "function", strict: false }];
  const first = await client.responses.create({ model: "gpt-4o", input: TEXT, tools });
  const [call] = first.output;
  assert.deepEqual([call.name, JSON.parse(call.arguments)], ["look_up", { name: TEXT }]);
  const output = { type: "function_call_output", call_id: call.call_id, output: `found ${EMAIL}` };
  const input = [{ role: "user", content: TEXT }, ...first.output, output];
  const second = await client.responses.create({ model: "gpt-4o", input, tools });
  assert.equal(second.output_text, `You said: found ${EMAIL}`);
});

test("completions, embeddings, moderations, models", async () => {
  const completion = await client.completions.create({ model: "gpt-4o", prompt: TEXT });
  assert.equal(completion.choices[0].text, SAID);
  const vectors = await client.embeddings.create({ model: "text-embedding-3-small", input: ["a", "b", "a"] });
  assert.deepEqual(vectors.data.map((one) => one.embedding.length), [1536, 1536, 1536]);
  assert.deepEqual(vectors.data[0].embedding, vectors.data[2].embedding);
  const judged = await client.moderations.create({ input: ["I will kill it", "flowers"] });
  assert.deepEqual(judged.results.map((result) => result.flagged), [true, false]);
  assert.ok((await listed(client.models.list())).some((model) => model.id === "gpt-4o"));
  assert.equal((await client.models.retrieve("gpt-4o")).id, "gpt-4o");
});

test("errors are typed", async () => {
  const ask = (other = client, model = "gpt-4o") => other.chat.completions.create({ model, messages });
  await assert.rejects(ask(client.withOptions({ apiKey: "wrong" })), OpenAI.AuthenticationError);
  await assert.rejects(ask(client, "no-such-model"), (error) => {
    assert.ok(error instanceof OpenAI.NotFoundError);
    return error.code === "model_not_found";
  });
  await assert.rejects(client.chat.completions.create({ model: "gpt-4o" }), OpenAI.BadRequestError);
  await next("busy");
  await assert.rejects(ask(), (error) => {
    assert.ok(error instanceof OpenAI.RateLimitError);
    return error.headers.get("retry-after") === "7";
  });
  await next("down");
  await assert.rejects(ask(), OpenAI.InternalServerError);
});

test("a stream that breaks never looks complete", async () => {
  for (const scene of ["fail", "cut"]) {
    await next(scene);
    const seen = [];
    await assert.rejects(async () => {
      const stream = await client.chat.completions.create({ model: "gpt-4o", messages, stream: true });
      for await (const chunk of stream) seen.push(chunk);
    });
    assert.ok(seen.length > 0);
    assert.ok(seen.every((chunk) => chunk.choices.every((choice) => choice.finish_reason === null)));
  }
});
