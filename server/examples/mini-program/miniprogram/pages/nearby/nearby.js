// The list and the map of the shops near the user.

const backend = require('../../lib/backend');
const location = require('../../lib/location');

// `<map>` slows down with hundreds of markers; the nearest shops come first.
const MAX_MARKERS = 100;

const DENIED_TEXTS = {
  denied: '您未允许使用位置信息。可以在设置中开启,或者自行选择位置。',
  privacy: '您未同意隐私保护指引。同意后可以查找附近的商户。',
  system: '手机的定位服务未开启。请在系统设置中开启,或者自行选择位置。',
};

/**
 * @param {any} shop
 * @param {number} index
 */
const toMarker = ({ name, position }, index) => ({
  // Markers have numeric ids: here the index in the list.
  id: index,
  latitude: position.latitude,
  longitude: position.longitude,
  width: 24,
  height: 32,
  title: name,
});

Component({
  // Fields that no template reads.
  options: { pureDataPattern: /^_/ },
  data: {
    /** locating, loading, list, empty, denied or error. */
    state: 'locating',
    /** Cause of `denied`: denied, privacy or system. */
    reason: '',
    message: '',
    /** @type {any} */
    position: null,
    fuzzy: false,
    hasUncertain: false,
    openOnly: false,
    /** @type {any[]} */
    shops: [],
    /** @type {any[]} */
    markers: [],
    loadingMore: false,
    moreError: '',
    hasMore: false,
    _nextPageToken: '',
    // Number of the current search: responses to earlier ones are dropped.
    _search: 0,
  },
  methods: {
    onLoad() {
      return this.locate();
    },

    /** Reads the fuzzy position and searches around it. */
    async locate() {
      const search = this.begin('locating');
      try {
        const position = await location.fuzzy();
        if (search === this.data._search) await this.searchFrom(position);
      } catch (error) {
        if (search === this.data._search) this.showLocationError(error);
      }
    },

    /** Searches around a point that the user selects; a cancelled selection changes nothing. */
    async choose() {
      try {
        await this.searchFrom(await location.choose());
      } catch (error) {
        if (this.isCancelled(error)) return;
        this.begin('error');
        this.showLocationError(error);
      }
    },

    /** @param {any} error */
    isCancelled: (error) => error instanceof location.LocationError && error.reason === 'cancelled',

    /** @param {any} error */
    showLocationError(error) {
      const text = /** @type {Record<string, string>} */ (DENIED_TEXTS)[error.reason];
      if (text) return this.setData({ state: 'denied', reason: error.reason, message: text });
      return this.setData({ state: 'error', message: '无法获取位置,请重试,或者自行选择位置' });
    },

    /**
     * Starts a search, which makes responses to earlier ones obsolete; returns its number.
     * @param {string} state
     */
    begin(state) {
      const search = this.data._search + 1;
      this.setData({ state, _search: search, _nextPageToken: '', hasMore: false, loadingMore: false, moreError: '' });
      return search;
    },

    /** @param {any} position */
    async searchFrom(position) {
      this.setData({ position, fuzzy: position.source === 'fuzzy' });
      const search = this.begin('loading');
      try {
        const page = await backend.searchNearby(this.query(''));
        if (search === this.data._search) this.show(page, []);
      } catch (error) {
        if (search === this.data._search) this.setData({ state: 'error', message: messageOf(error) });
      }
    },

    /** @param {string} pageToken */
    query(pageToken) {
      const { position, openOnly } = this.data;
      // A page token belongs to one query: all other fields stay the same.
      return { position, openNow: openOnly, ...(pageToken ? { pageToken } : {}) };
    },

    /**
     * Shows the shops of a page below the earlier ones.
     * @param {any} page
     * @param {any[]} earlier
     */
    show({ merchants, nextPageToken }, earlier) {
      const shops = earlier.concat(merchants);
      this.setData({
        state: shops.length ? 'list' : 'empty',
        shops,
        markers: shops.slice(0, MAX_MARKERS).map(toMarker),
        hasUncertain: shops.some(({ uncertain }) => uncertain),
        hasMore: nextPageToken !== '',
        _nextPageToken: nextPageToken,
      });
    },

    onReachBottom() {
      return this.loadMore();
    },

    async loadMore() {
      const { state, hasMore, loadingMore, _search: search, _nextPageToken: pageToken } = this.data;
      // The user can reach the end of the list again while the next page is on its way.
      if (state !== 'list' || !hasMore || loadingMore) return;
      this.setData({ loadingMore: true, moreError: '' });
      try {
        const page = await backend.searchNearby(this.query(pageToken));
        if (search === this.data._search) this.show(page, this.data.shops);
      } catch (error) {
        if (search === this.data._search) this.setData({ moreError: messageOf(error) });
      }
      if (search === this.data._search) this.setData({ loadingMore: false });
    },

    /** Repeats the search around the same point, or reads the position first if there is none. */
    retry() {
      const { position } = this.data;
      return position ? this.searchFrom(position) : this.locate();
    },

    async onPullDownRefresh() {
      const { fuzzy, position } = this.data;
      // A point that the user selected stays; a fuzzy one is read again, as the user may have moved.
      await (position && !fuzzy ? this.searchFrom(position) : this.locate());
      wx.stopPullDownRefresh();
    },

    /** @param {any} event */
    onOpenSetting({ detail }) {
      if (detail.authSetting['scope.userFuzzyLocation']) return this.locate();
      return undefined;
    },

    toggleOpenOnly() {
      this.setData({ openOnly: !this.data.openOnly });
      return this.retry();
    },

    /** @param {any} event */
    onShopTap({ currentTarget }) {
      this.openShop(currentTarget.dataset.id);
    },

    /** @param {any} event */
    onMarkerTap({ detail }) {
      const shop = this.data.shops[detail.markerId];
      if (shop) this.openShop(shop.id);
    },

    /** @param {string} id */
    openShop(id) {
      wx.navigateTo({ url: `/pages/shop/shop?id=${encodeURIComponent(id)}` });
    },
  },
});

/** @param {any} error */
const messageOf = ({ message }) => message;
