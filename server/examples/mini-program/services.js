'use strict';
// Everything that the routes need, built from the settings.

const { Aliases } = require('./aliases');
const { connect } = require('./nearby');
const { RateLimit } = require('./rate-limit');
const { Sessions } = require('./sessions');
const { WeChat } = require('./wechat');

/** Opens the services; those whose settings are missing are undefined, and so are their routes. */
async function open(settings) {
  const { aliasesFile, linkPrefix, operatorKey, rateLimit, sessions, verification, wechat } = settings;
  return {
    // First, as it fails if the file cannot be written.
    aliases: aliasesFile && (await new Aliases(aliasesFile).open()),
    nearby: connect(settings),
    wechat: wechat && new WeChat(wechat),
    sessions: new Sessions(sessions),
    rateLimit: new RateLimit(rateLimit),
    operatorKey,
    linkPrefix,
    verification,
  };
}

module.exports = { open };
