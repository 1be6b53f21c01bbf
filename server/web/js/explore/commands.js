// A search as a command. Keys are never part of it: it reads $NEARBY_API_KEY.

const METHOD = 'NearbyService/SearchNearby';
const GRPC_PORT = 50_051;

/** Quotes a text for a POSIX shell. */
const shell = text => `'${text.replace(/'/g, "'\\''")}'`;

/** Removes what is not set. */
const plain = request => JSON.parse(JSON.stringify(request));

export function curl(request, url, { needsKey }) {
  const key = needsKey ? `  -H "authorization: Bearer $NEARBY_API_KEY" \\\n` : '';
  return `curl ${shell(url)} \\\n  -H 'content-type: application/json' \\\n${key}  -d ${shell(JSON.stringify(plain(request), null, 2))}\n`;
}

export function grpcurl(request, url, { needsKey }) {
  const { protocol, hostname } = new URL(url);
  const plaintext = protocol === 'http:' ? '-plaintext ' : '';
  const key = needsKey ? `  -H "authorization: Bearer $NEARBY_API_KEY" \\\n` : '';
  return `grpcurl ${plaintext}\\\n${key}  -d ${shell(JSON.stringify(plain(request), null, 2))} \\\n  ${hostname}:${GRPC_PORT} nearby.v1.${METHOD}\n`;
}

/** A value as Python writes it. */
function literal(value, indent = '') {
  if (value === true) return 'True';
  if (value === false) return 'False';
  if (value === null) return 'None';
  // Strings and numbers of JSON are those of Python.
  if (typeof value !== 'object') return JSON.stringify(value);
  const deeper = `${indent}    `;
  if (Array.isArray(value)) return `[${value.map(each => literal(each, deeper)).join(', ')}]`;
  const entries = Object.entries(value).map(([name, each]) => `${deeper}${JSON.stringify(name)}: ${literal(each, deeper)},\n`);
  return `{\n${entries.join('')}${indent}}`;
}

export function python(request, url, { needsKey }) {
  const key = needsKey ? `, "authorization": "Bearer " + os.environ["NEARBY_API_KEY"]` : '';
  return `import json
${needsKey ? 'import os\n' : ''}import urllib.request

search = ${literal(plain(request))}
request = urllib.request.Request(
    ${JSON.stringify(url)},
    data=json.dumps(search).encode(),
    headers={"content-type": "application/json"${key}},
)
with urllib.request.urlopen(request) as response:
    for result in json.load(response).get("results", []):
        print(f"{result['distanceM']:8.1f} m  {result['merchant']['displayName']}")
`;
}

export const COMMANDS = { curl, grpcurl, python };
export { METHOD };
