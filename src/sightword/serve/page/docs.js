// The API for people, from its own description.

import { $, h } from "./dom.js";

const api = await (await fetch("/openapi.json")).json();
const named = (schema = {}) => schema.$ref?.split("/").at(-1) ?? schema.type ?? schema.anyOf?.map(named).join(" or ") ?? schema.allOf?.map(named).join(" and ") ?? "any";
const rows = (fields) => h("table", {}, ...fields.map(([name, kind, text]) => h("tr", {}, h("td", {}, h("code", {}, name)), h("td", {}, kind), h("td", {}, text ?? ""))));
const list = (schema) => `${named(schema)}${schema?.items ? ` of ${named(schema.items)}` : ""}`;

$("curl").textContent = `curl ${location.origin}/v1/search -H 'Origin: ${location.origin}' -F image=@cat.jpg -F text='as a line drawing' -F k=5`;
for (const [path, methods] of Object.entries(api.paths)) {
  for (const [method, told] of Object.entries(methods)) {
    const body = told.requestBody?.content?.["application/json"]?.schema;
    $("api").append(h("article", {}, h("h2", {}, h("b", {}, method.toUpperCase()), path), h("p", {}, told.description ?? told.summary ?? ""),
      told.parameters?.length ? rows(told.parameters.map((each) => [each.name, list(each.schema), each.description])) : "",
      body ? h("p", {}, "Body: ", h("a", { href: `#${named(body)}` }, named(body)), told.requestBody.content["multipart/form-data"] ? ", as JSON or as a form with pictures" : "") : "",
      h("p", {}, "Answers: ", Object.entries(told.responses).map(([status, each]) => `${status} ${named(Object.values(each.content ?? {})[0]?.schema)}`.replace(" any", "")).join(" · "))));
  }
}
for (const [name, schema] of Object.entries(api.components.schemas)) {
  $("api").append(h("article", { id: name }, h("h2", {}, name), h("p", {}, schema.description ?? ""),
    schema.examples ? h("pre", {}, h("code", {}, JSON.stringify(schema.examples[0], null, 1))) : "",
    rows(Object.entries(schema.properties ?? {}).map(([field, each]) => [field, list(each), each.description]))));
}
