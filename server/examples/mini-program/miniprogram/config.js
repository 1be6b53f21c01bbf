// Addresses of the backend: replace both with those of your own domain.
module.exports = {
  /** Origin of the backend, which must be listed under the request domains of the app. */
  backend: 'https://shops.example',
  /** Prefix of the links in QR codes: `LINK_PREFIX` of the backend and the rule for ordinary links of the app. */
  linkPrefix: 'https://shops.example/s/',
};
