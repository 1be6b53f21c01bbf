// One shop: hours, phone, route, its own mini program and its services.

const backend = require('../../lib/backend');
const hours = require('../../lib/hours');
const { decode } = require('../../lib/scan');

Component({
  data: {
    /** loading, ready or error. */
    state: 'loading',
    message: '',
    id: '',
    /** @type {any} */
    shop: null,
    /** @type {any[]} */
    lines: [],
  },
  methods: {
    /** @param {any} query */
    onLoad({ id = '' }) {
      // WeChat passes query values as they stand in the URL, still encoded.
      this.setData({ id: decode(id) });
      return this.load();
    },

    async load() {
      this.setData({ state: 'loading', message: '' });
      try {
        const shop = await backend.getShop(this.data.id);
        this.setData({ state: 'ready', shop, lines: hours.toLines(shop.hours) });
        wx.setNavigationBarTitle({ title: shop.name });
      } catch (error) {
        this.setData({ state: 'error', message: /** @type {Error} */ (error).message });
      }
    },

    async onPullDownRefresh() {
      await this.load();
      wx.stopPullDownRefresh();
    },

    onShareAppMessage() {
      const { id, shop } = this.data;
      return { title: shop ? shop.name : '', path: `/pages/shop/shop?id=${encodeURIComponent(id)}` };
    },

    navigate() {
      const { name, address, position } = this.data.shop;
      // The position is in GCJ-02, as wx.openLocation requires.
      wx.openLocation({ latitude: position.latitude, longitude: position.longitude, name, address, scale: 16 });
    },

    call() {
      wx.makePhoneCall({ phoneNumber: this.data.shop.phone, fail: ignoreCancel });
    },

    // WeChat opens another mini program only in response to a tap.
    openMiniProgram() {
      this.openLink(this.data.shop);
    },

    /** @param {any} event */
    onLinkTap({ currentTarget }) {
      this.openLink(this.data.shop.links[currentTarget.dataset.index]);
    },

    /** @param {any} link */
    openLink({ miniProgram, webUri }) {
      if (miniProgram) {
        const { appId, path } = miniProgram;
        wx.navigateToMiniProgram({ appId, path, fail: ignoreCancel });
        return;
      }
      // A mini program opens web pages of its own domains only: the link is for the browser.
      wx.setClipboardData({
        data: webUri,
        success: () => wx.showToast({ title: '链接已复制,请在浏览器中打开', icon: 'none' }),
        fail: () => wx.showToast({ title: '复制失败', icon: 'none' }),
      });
    },
  },
});

/** @param {{errMsg: string}} error */
function ignoreCancel({ errMsg }) {
  if (!/cancel/.test(errMsg)) wx.showToast({ title: '无法打开', icon: 'none' });
}
