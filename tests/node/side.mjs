// Where the clients under test are pointed, and how the provider behind it is told to fail.
export const baseURL = process.env.BASE_URL;
export const root = baseURL.replace(/\/v1$/, "");
export const apiKey = process.env.API_KEY;

export const EMAIL = "dana.whitfield@example.com";
// Through the gateway this leaves with placeholders and comes back as it was.
export const TEXT = `Write to Dana Whitfield at ${EMAIL} about it`;
export const SAID = `You said: ${TEXT}`;

/** The provider plays this scene ("busy", "down", "cut", "fail") for the next request. */
export async function next(scene) {
  const told = await fetch(`${process.env.CONTROL_URL}/${scene}`, { method: "POST" });
  if (!told.ok) throw new Error(`no scene ${scene}`);
}

export async function listed(stream) {
  const found = [];
  for await (const item of await stream) found.push(item);
  return found;
}
