// The Vercel AI SDK with its provider for OpenAI, over chat completions and over responses.
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { createOpenAI } from "@ai-sdk/openai";
import { APICallError, embed, embedMany, generateObject, generateText, Output, stepCountIs, streamObject, streamText, tool } from "ai";
import { z } from "zod";

import { apiKey, baseURL, EMAIL, listed, next, SAID, TEXT } from "./side.mjs";

globalThis.AI_SDK_LOG_WARNINGS = false;
const openai = createOpenAI({ baseURL, apiKey });
const schema = z.object({ to: z.string(), lines: z.array(z.string()), urgent: z.boolean() });
const letter = { to: SAID, lines: [SAID], urgent: true };

for (const [name, make] of [["chat", openai.chat], ["responses", openai.responses]]) {
  describe(name, () => {
    const model = make("gpt-4o");
    const ask = { model, prompt: TEXT, maxRetries: 0 };

    test("generateText", async () => {
      const answer = await generateText({ ...ask, system: `Sign as ${EMAIL}` });
      assert.equal(answer.text, SAID);
      assert.equal(answer.finishReason, "stop");
      assert.ok(answer.usage.totalTokens > 0);
    });

    test("streamText", async () => {
      const stream = streamText(ask);
      assert.equal((await listed(stream.textStream)).join(""), SAID);
      assert.equal(await stream.finishReason, "stop");
      assert.ok((await stream.usage).totalTokens > 0);
    });

    test("generateObject, streamObject and Output.object", async () => {
      assert.deepEqual((await generateObject({ ...ask, schema })).object, letter);
      const stream = streamObject({ ...ask, schema });
      assert.ok((await listed(stream.partialObjectStream)).length > 2);
      assert.deepEqual(await stream.object, letter);
      assert.deepEqual((await generateText({ ...ask, output: Output.object({ schema }) })).output, letter);
    });

    test("tools in a loop, whole and streamed", async () => {
      for (const run of [generateText, streamText]) {
        const seen = [];
        const tools = {
          look_up: tool({
            description: "Looks somebody up.",
            inputSchema: z.object({ name: z.string() }),
            execute: async ({ name }) => (seen.push(name), `found ${EMAIL}`),
          }),
        };
        const answer = await run({ ...ask, tools, stopWhen: stepCountIs(3) });
        assert.match(await answer.text, new RegExp(`found ${EMAIL}`));
        assert.deepEqual(seen, [TEXT]);
        assert.equal((await answer.steps).length, 2);
      }
    });

    test("a conversation", async () => {
      const history = [
        { role: "user", content: TEXT },
        { role: "assistant", content: SAID },
        { role: "user", content: [{ type: "text", text: `And ${EMAIL}?` }] },
      ];
      const answer = await generateText({ model, messages: history, maxRetries: 0 });
      assert.equal(answer.text, `You said: And ${EMAIL}?`);
    });

    test("errors are typed", async () => {
      const missing = generateText({ ...ask, model: make("no-such-model") });
      await assert.rejects(missing, (error) => APICallError.isInstance(error) && error.statusCode === 404);
      await next("busy");
      await assert.rejects(generateText(ask), (error) => APICallError.isInstance(error) && error.isRetryable);
    });
  });
}

test("reasoning", async () => {
  const model = openai.responses("gpt-5-mini");
  const providerOptions = { openai: { reasoningEffort: "low", reasoningSummary: "auto" } };
  const answer = await generateText({ model, prompt: TEXT, providerOptions, maxRetries: 0 });
  assert.equal(answer.reasoningText, `They said: ${TEXT}`);
  assert.equal(answer.text, SAID);
});

test("embed and embedMany", async () => {
  const model = openai.embedding("text-embedding-3-small");
  const { embedding } = await embed({ model, value: "the weather", maxRetries: 0 });
  const { embeddings } = await embedMany({ model, values: ["the weather", "the news"], maxRetries: 0 });
  assert.equal(embedding.length, 1536);
  assert.deepEqual(embeddings[0], embedding);
  assert.notDeepEqual(embeddings[1], embedding);
});
