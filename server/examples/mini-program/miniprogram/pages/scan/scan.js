// The page that the code on a door opens: an ordinary link (`q`) or a mini-program code (`scene`). It opens the shop.

const backend = require('../../lib/backend');
const config = require('../../config');
const { parse } = require('../../lib/scan');

Component({
  data: {
    /** opening, foreign or error. */
    state: 'opening',
    message: '',
    scene: '',
  },
  methods: {
    /** @param {any} query */
    onLoad(query) {
      const found = parse(query, config.linkPrefix);
      if (!found) return this.setData({ state: 'foreign' });
      if ('id' in found) return this.open(found.id);
      this.setData({ scene: found.scene });
      return this.resolve();
    },

    async resolve() {
      this.setData({ state: 'opening' });
      try {
        this.open((await backend.resolveScene(this.data.scene)).id);
      } catch (error) {
        this.setData({ state: 'error', message: /** @type {Error} */ (error).message });
      }
    },

    /** @param {string} id */
    open(id) {
      // Replaces this page, so that the user does not come back to it.
      wx.redirectTo({ url: `/pages/shop/shop?id=${encodeURIComponent(id)}` });
    },

    openList() {
      wx.reLaunch({ url: '/pages/nearby/nearby' });
    },
  },
});
