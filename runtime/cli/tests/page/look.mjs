// Looks at the operator's page in a browser, and says as JSON what is there: `node look.mjs NODE_MODULES CHROMIUM ADDRESS SCREENSHOTS`.
// It prints one line with what it found. Then it waits for a line, for which whoever started it ends the node, and prints what the page
// says of that.
import { createRequire } from "node:module";
import { createInterface } from "node:readline/promises";

const [modules, executablePath, address, screenshots] = process.argv.slice(2);
const { chromium } = createRequire(`${modules}/`)("playwright-core");

// The contrast of a text with what is behind it (WCAG 2.2, 1.4.3).
const contrast = (element) => {
  const channels = (colour) => colour.match(/[\d.]+/g).map(Number);
  const luminance = (colour) => {
    const [r, g, b] = channels(colour).map((value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  let behind = element;
  const ground = (of) => getComputedStyle(of).backgroundColor;
  while (channels(ground(behind))[3] === 0) behind = behind.parentElement;
  const [light, dark] = [luminance(getComputedStyle(element).color), luminance(ground(behind))].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
};

const browser = await chromium.launch({
  executablePath,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const found = { complaints: [], requests: [], contrast: {}, ground: {} };
const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
page.on("console", (message) => message.type() === "error" && found.complaints.push(message.text()));
page.on("pageerror", (error) => found.complaints.push(error.message));
page.on("request", (request) => found.requests.push(request.url()));
await page.goto(address);
await page.getByRole("status").getByText("as of").waitFor();
found.title = await page.title();
found.numbers = await page.locator(".number").allInnerTexts();
for (const place of ["applications", "adapters", "participants", "audit"]) {
  const rows = await page.locator(`#${place} tbody tr`).all();
  found[place] = await Promise.all(rows.map((row) => row.locator("td").allInnerTexts()));
}
found.hostile = await page.locator("#hostile").count();
for (const colorScheme of ["light", "dark"]) {
  await page.emulateMedia({ colorScheme });
  found.ground[colorScheme] = await page.locator("body").evaluate((body) => getComputedStyle(body).backgroundColor);
  const texts = await page.locator("h1, h2, #state, .number b, .number span, th, td, .none").all();
  const all = await Promise.all(texts.map((text) => text.evaluate(contrast)));
  found.contrast[colorScheme] = Math.min(...all);
  await page.screenshot({ path: `${screenshots}/page-${colorScheme}.png`, fullPage: true });
}
await page.setViewportSize({ width: 380, height: 800 });
found.overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
await page.screenshot({ path: `${screenshots}/page-narrow.png`, fullPage: true });
console.log(JSON.stringify(found));

await createInterface({ input: process.stdin }).question("");
const gone = page.getByRole("status").getByText("does not answer");
await gone.waitFor();
console.log(JSON.stringify({ state: await gone.innerText(), applications: await page.locator("#applications tbody tr").count() }));
await browser.close();
process.exit(0);
