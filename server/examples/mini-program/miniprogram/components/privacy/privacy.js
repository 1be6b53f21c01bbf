// The privacy dialog: WeChat suspends a call that needs consent until the user agrees or declines here.

const BUTTON_ID = 'agree-privacy';

/**
 * Calls that wait for the user. WeChat has one listener for all pages, so that all instances share it.
 * @type {Set<(answer: any) => void>}
 */
const waiting = new Set();

/** @param {object} answer */
function answerAll(answer) {
  for (const resolve of waiting) resolve(answer);
  waiting.clear();
}

Component({
  data: { visible: false, contractName: '隐私保护指引' },
  lifetimes: {
    attached() {
      this.listen();
    },
    detached() {
      // A call that stays suspended would never end.
      if (this.data.visible) answerAll({ event: 'disagree' });
    },
  },
  pageLifetimes: {
    // The page that was shown in between has replaced the listener.
    show() {
      this.listen();
    },
  },
  methods: {
    listen() {
      // Base libraries before 2.32.3 have no consent.
      if (!wx.onNeedPrivacyAuthorization) return;
      wx.onNeedPrivacyAuthorization((/** @type {any} */ resolve) => {
        waiting.add(resolve);
        resolve({ event: 'exposureAuthorization' });
        this.setData({ visible: true });
        wx.getPrivacySetting({
          success: ({ privacyContractName }) => {
            if (privacyContractName) this.setData({ contractName: privacyContractName });
          },
        });
      });
    },
    onAgree() {
      this.setData({ visible: false });
      answerAll({ event: 'agree', buttonId: BUTTON_ID });
    },
    onDisagree() {
      this.setData({ visible: false });
      answerAll({ event: 'disagree' });
    },
    openContract() {
      wx.openPrivacyContract({ fail: () => wx.showToast({ title: '暂时无法打开', icon: 'none' }) });
    },
  },
});
