// Registers the app. Pages keep their own state; config.js has the addresses of the backend.
App({});
