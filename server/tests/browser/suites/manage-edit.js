'use strict';
// The console: creating and changing a merchant.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { until } = require('../browser');
const { openManage } = require('../manage');

/** A place without merchants of other suites within 5 km. */
const SHOAL = { latitude: 60.08, longitude: 25.1 };
const near = (northM, eastM = 0) => ({
  latitude: SHOAL.latitude + northM / 111_420, longitude: SHOAL.longitude + eastM / 55_600, coordinateSystem: 'COORDINATE_SYSTEM_WGS84',
});

module.exports = shared => {
  const get = name => shared.server.call('MerchantService/GetMerchant', { name });
  const remove = name => shared.server.call('MerchantService/DeleteMerchant', { name });
  /** Opens the form of a merchant that exists for the time of a test. */
  const edit = (id, more, act, options) => {
    const merchant = { name: `merchants/${id}`, displayName: 'Shoal Shop', position: near(0), ...more };
    return shared.withMerchant(merchant, async () => {
      const view = await openManage(shared, `#/manage/merchants/${id}`, { hasMap: false, ...options });
      await view.editing();
      await act(view, merchant.name);
      await view.close();
    });
  };

  test('a new merchant is placed by a click, saved, and found by a search at once', async () => {
    const view = await openManage(shared, '#/manage');
    await view.page.click('#new-merchant');
    await view.editing();
    await view.type('display_name', 'New Bakery');
    await view.type('categories', 'shop/bakery, food/cafe');
    await view.page.fill('#merchant-id', 'new-bakery');
    await view.clickMap(40, -30);
    assert.ok(await view.page.inputValue('#position-latitude'));
    assert.equal(await view.save(), 'saved');
    await until(() => view.page.url().endsWith('#/manage/merchants/new-bakery'));
    const { position, categories } = await get('merchants/new-bakery');
    assert.deepEqual(categories, ['shop/bakery', 'food/cafe']);
    const { results } = await shared.server.call('NearbyService/SearchNearby', { origin: position, radiusM: 10 });
    assert.equal(results[0].merchant.displayName, 'New Bakery');
    await remove('merchants/new-bakery');
    await view.close();
  });

  test('every field that is shown is saved', async () => {
    await edit('every-field', {}, async (view, name) => {
      for (const section of ['basics', 'place', 'hours', 'contact', 'photos', 'area', 'status', 'languages', 'data']) await view.openSection(section);
      const texts = {
        display_name: 'Every Field', brand: 'Shoal', categories: 'shop/kiosk', services: 'delivery, pickup', phone: '+358 10', website_uri: 'https://shoal.test/',
        source: 'console', 'address.locality': 'Helsinki', 'address.address_lines': 'Pier 1\nDoor 2', 'address.postal_code': '00140', 'address.region_code': 'fi',
        'address.sublocality': 'Shoal', 'address.administrative_area': 'Uusimaa', 'mini_program.app_id': 'wx01', 'mini_program.path': 'pages/a', valid_from: '2020-01-02T03:04:05',
        valid_until: '2090-01-02T03:04:05', 'position.accuracy_m': '12.5',
      };
      for (const [path, text] of Object.entries(texts)) await view.type(path, text);
      const addRow = async (field, ...values) => {
        await view.page.click(`[data-path="${field}"] > .add`);
        const controls = await view.page.$$(`[data-path="${field}"] .entry:last-child :is(input, select)`);
        for (const [index, value] of values.entries()) {
          if (value === null) continue;
          if ((await controls[index].evaluate(each => each.nodeName)) === 'SELECT') await controls[index].selectOption(value);
          else await controls[index].fill(value);
        }
      };
      await addRow('photos', 'https://shoal.test/a.png', 'the door', '© A', '640', '480');
      await addRow('localized_names', 'sv', 'Varje fält');
      await addRow('attributes', 'rating', '4,5');
      await addRow('labels', 'owner', '7');
      await addRow('external_ids', 'osm', 'node/1');
      await addRow('service_links', 'delivery', 'web', 'https://shoal.test/order', null, 'Order');
      await addRow('service_links', 'pickup', 'miniProgram', 'wx01', 'pages/b');
      await view.page.selectOption(view.control('business_status'), 'BUSINESS_STATUS_CLOSED_TEMPORARILY');
      await view.type('reopening_date', '2091-02-03');
      await view.page.selectOption('#area-kind', 'radius');
      await view.type('service_area.radius_m', '1500');
      await view.page.check('#hours-expression');
      await view.page.fill(view.control('opening_hours.osm_expression'), 'Mo-Fr 09:00-18:00; PH off');
      await view.type('opening_hours.display_text', 'ring the bell');
      assert.equal(await view.save(), 'saved', JSON.stringify([await view.fieldErrors(), await view.text('#edit-error')]));
      const { etag, createTime, updateTime, wgs84Position, position, validFrom, validUntil, ...stored } = await get(name);
      assert.ok(etag && createTime && updateTime && wgs84Position);
      assert.equal(position.accuracyM, 12.5);
      assert.deepEqual([validFrom, validUntil].map(each => new Date(each).toISOString()), ['2020-01-02T01:04:05.000Z', '2090-01-02T01:04:05.000Z']);
      assert.deepEqual(stored, {
        name, displayName: 'Every Field', brand: 'Shoal', categories: ['shop/kiosk'], services: ['delivery', 'pickup'], phone: '+358 10', websiteUri: 'https://shoal.test/',
        source: 'console', miniProgram: { appId: 'wx01', path: 'pages/a' },
        address: { regionCode: 'FI', postalCode: '00140', administrativeArea: 'Uusimaa', locality: 'Helsinki', sublocality: 'Shoal', addressLines: ['Pier 1', 'Door 2'] },
        photos: [{ uri: 'https://shoal.test/a.png', altText: 'the door', attribution: '© A', widthPx: 640, heightPx: 480 }],
        localizedNames: { sv: 'Varje fält' }, attributes: { rating: 4.5 }, labels: { owner: '7' }, externalIds: [{ system: 'osm', id: 'node/1' }],
        serviceLinks: [
          { service: 'delivery', webUri: 'https://shoal.test/order', description: 'Order' }, { service: 'pickup', miniProgram: { appId: 'wx01', path: 'pages/b' } },
        ],
        businessStatus: 'BUSINESS_STATUS_CLOSED_TEMPORARILY', reopeningDate: { year: 2091, month: 2, day: 3 }, serviceArea: { radiusM: 1500 },
        visibility: 'VISIBILITY_VISIBLE', openingHours: { timeZone: 'Europe/Helsinki', osmExpression: 'Mo-Fr 09:00-18:00; PH off', displayText: 'ring the bell' },
      });
      // Emptied again: the mask of the update names what has no value any more.
      for (const path of Object.keys(texts)) if (!/display_name|brand/.test(path)) await view.type(path, '');
      for (const field of ['photos', 'localized_names', 'attributes', 'labels', 'external_ids', 'service_links']) {
        while (await view.page.$(`[data-path="${field}"] .entry .remove`)) await view.page.click(`[data-path="${field}"] .entry .remove`);
      }
      await view.page.selectOption(view.control('business_status'), '');
      await view.page.selectOption('#area-kind', 'none');
      await view.page.check('#hours-unknown');
      await view.type('opening_hours.display_text', '');
      assert.equal(await view.save(), 'saved', JSON.stringify([await view.fieldErrors(), await view.text('#edit-error')]));
      const emptied = await get(name);
      const left = Object.entries(emptied).filter(([, value]) => value !== 'BUSINESS_STATUS_OPERATIONAL').map(([key]) => key);
      assert.deepEqual(left.sort(), ['brand', 'createTime', 'displayName', 'etag', 'name', 'position', 'updateTime', 'visibility', 'wgs84Position']);
      assert.equal(emptied.brand, 'Shoal');
    });
  });

  test('a form that is not touched changes nothing, whatever the merchant has', async () => {
    const { name: _, position, ...full } = await get('merchants/full');
    // Texts and numbers that controls do not show as they are.
    const odd = {
      categories: ['food, drinks', 'shop'], labels: { note: 'two\nlines', ' spaced ': ' x ' }, openingHours: { ...full.openingHours, displayText: 'Mon 9-17\nSat 10-14' },
      serviceArea: { polygons: { coordinateSystem: 'COORDINATE_SYSTEM_WGS84', polygons: [{ shell: { latitudes: [60.0123456789, 60.2, 60.2], longitudes: [24.8, 24.8, 25.4000000001] } }] } },
    };
    await edit('untouched', { ...full, ...odd, displayName: 'Untouched' }, async (view, name) => {
      const before = await get(name);
      assert.equal(await view.page.isDisabled('#save'), true);
      assert.equal(await view.page.isDisabled('#discard'), true);
      await view.type('phone', '+358 10 000 0001');
      const sent = view.page.waitForRequest(request => request.url().endsWith('/UpdateMerchant'));
      assert.equal(await view.save(), 'saved');
      const { merchant, updateMask } = (await sent).postDataJSON();
      assert.equal(updateMask, 'phone');
      assert.deepEqual(Object.keys(merchant).sort(), ['etag', 'name', 'phone']);
      // A field of a message is changed: its other fields stay as they were given.
      await view.page.click('li[data-weekday="1"] .add');
      await view.openSection('data');
      await view.page.click('[data-path="labels"] > .add');
      await view.page.fill('[data-path="labels"] .entry:last-child input', 'new');
      assert.equal(await view.save(), 'saved');
      const after = await get(name);
      assert.equal(after.openingHours.displayText, 'Mon 9-17\nSat 10-14');
      assert.deepEqual(after.labels, { ...odd.labels, new: '' });
      assert.deepEqual([after.serviceArea, after.categories, after.photos], [before.serviceArea, before.categories, before.photos]);
    });
  });

  test('errors of the server stand beside their fields, and nothing is saved', async () => {
    await edit('violations', {}, async (view, name) => {
      view.expected.push('400');
      await view.openSection('photos');
      await view.type('website_uri', 'ftp://shoal.test');
      await view.page.click('[data-path="photos"] > .add');
      await view.page.fill('[data-path="photos"] .entry input', 'no address');
      await view.type('address.region_code', 'Finland');
      assert.equal(await view.save(), 'check_fields');
      const errors = await view.fieldErrors();
      assert.deepEqual(Object.keys(errors).sort(), ['address.region_code', 'photos[0].uri', 'website_uri']);
      assert.ok(await view.page.isHidden('#edit-error'));
      assert.equal(await view.page.evaluate(() => document.activeElement.getAttribute('aria-invalid')), 'true');
      assert.equal((await get(name)).websiteUri, undefined);
      await view.type('website_uri', 'https://shoal.test');
      await view.type('address.region_code', '');
      await view.page.click('[data-path="photos"] .entry .remove');
      assert.equal(await view.save(), 'saved');
      assert.deepEqual(await view.fieldErrors(), {});
    });
  });

  test('texts that are no numbers or dates are said to be none', async () => {
    await edit('texts', {}, async view => {
      view.expected.push('400');
      await view.openSection('data');
      await view.type('position.latitude', 'north');
      await view.page.click('[data-path="attributes"] > .add');
      await view.page.fill('[data-path="attributes"] .entry input', 'rating');
      assert.equal(await view.save(), 'check_fields');
      assert.deepEqual(await view.fieldErrors(), { 'position.latitude': 'Type a number.', 'attributes[rating].key': 'Type a number for this key.' });
    });
  });

  test('all errors are shown at once, and each vanishes when its field is changed', async () => {
    const view = await openManage(shared, '#/manage/new', { hasMap: false });
    view.expected.push('400');
    await view.editing();
    await view.type('website_uri', 'ftp://shoal.test');
    assert.equal(await view.save(), 'check_fields');
    assert.deepEqual(Object.keys(await view.fieldErrors()).sort(), ['display_name', 'position.latitude', 'position.longitude', 'website_uri']);
    await view.type('display_name', 'Shoal');
    assert.deepEqual(Object.keys(await view.fieldErrors()).sort(), ['position.latitude', 'position.longitude', 'website_uri']);
    await view.page.click('#discard');
    await view.close();
  });

  test('categories that merchants nearby have are taken over by a click', async () => {
    await edit('suggested', { position: { latitude: 60.1719, longitude: 24.9414, coordinateSystem: 'COORDINATE_SYSTEM_WGS84' } }, async (view, name) => {
      await view.type('categories', 'caf');
      await until(() => view.page.$('.suggestion'));
      await view.page.click('.suggestion >> text=amenity/cafe');
      assert.equal(await view.page.inputValue(view.control('categories')), 'amenity/cafe');
      assert.equal(await view.page.$('.suggestion >> text=amenity/cafe'), null);
      assert.equal(await view.save(), 'saved');
      assert.deepEqual((await get(name)).categories, ['amenity/cafe']);
    });
  });

  test('the pin is dragged to another place', async () => {
    await edit('dragged', { position: { ...near(0), accuracyM: 30 } }, async (view, name) => {
      await until(() => view.page.$('.pin.edited'));
      const before = Number(await view.page.inputValue('#position-longitude'));
      await view.drag('.pin.edited', 60, 0);
      const after = Number(await view.page.inputValue('#position-longitude'));
      assert.ok(after > before, `${before} ${after}`);
      // The accuracy was that of the place before.
      assert.equal(await view.page.inputValue('#position-accuracy'), '');
      assert.equal(await view.save(), 'saved');
      const { position } = await get(name);
      assert.deepEqual([position.longitude, position.accuracyM], [after, undefined]);
    }, { hasMap: true });
  });

  test('a position in another datum is drawn where it is, and stays as it was given', async () => {
    const position = { latitude: 39.908_722, longitude: 116.397_128, coordinateSystem: 'COORDINATE_SYSTEM_GCJ02' };
    await edit('gcj02', { position }, async (view, name) => {
      await until(() => view.page.$('.pin.edited'));
      assert.equal(await view.page.inputValue('#position-datum'), 'gcj02');
      await view.type('phone', '1');
      assert.equal(await view.save(), 'saved');
      assert.deepEqual((await get(name)).position, position);
      await view.drag('.pin.edited', 20, 20);
      assert.equal(await view.page.inputValue('#position-datum'), 'wgs84');
    }, { hasMap: true });
  });

  test('a merchant is hidden and shown, and changes of the form stay', async () => {
    await edit('hide-show', {}, async (view, name) => {
      await view.type('phone', '7');
      await view.page.click('#hide-merchant');
      await until(() => view.page.isVisible('#show-merchant'));
      assert.equal((await get(name)).visibility, 'VISIBILITY_HIDDEN');
      await view.type('brand', 'Hidden Brand');
      assert.equal(await view.save(), 'saved_unlisted');
      await view.type('phone', '8');
      assert.match(await view.text('#edit-head .badges'), /Hidden/);
      await view.page.click('#show-merchant');
      await until(() => view.page.isVisible('#hide-merchant'));
      assert.equal(await view.page.inputValue(view.control('phone')), '8');
      assert.equal(await view.save(), 'saved');
      const stored = await get(name);
      assert.deepEqual([stored.phone, stored.visibility], ['8', 'VISIBILITY_VISIBLE']);
    });
  });

  test('a merchant is rejected with a reason, and approved', async () => {
    await edit('review', {}, async (view, name) => {
      await view.page.click('.review summary');
      await view.page.click('#reject');
      assert.deepEqual(Object.values(await view.fieldErrors()), ['Give the reason.']);
      await view.page.fill('#reject-reason', 'no such street');
      await view.page.click('#reject');
      await until(() => view.page.isVisible('#approve'));
      assert.deepEqual((await get(name)).review, { state: 'REVIEW_STATE_REJECTED', reason: 'no such street' });
      assert.match(await view.text('#edit-head .badges'), /Rejected: no such street/);
      await view.page.click('#approve');
      await until(() => view.page.isHidden('#approve'));
      assert.match(await view.text('#edit-head .badges'), /In searches/);
    });
  });

  test('a merchant is deleted after a question', async () => {
    await shared.server.call('MerchantService/CreateMerchant', { merchant: { name: 'merchants/doomed', displayName: 'Doomed', position: near(50) } });
    const view = await openManage(shared, '#/manage/merchants/doomed', { hasMap: false });
    view.expected.push('404');
    await view.editing();
    view.page.once('dialog', dialog => dialog.dismiss());
    await view.page.click('#delete-merchant');
    assert.equal((await get('merchants/doomed')).displayName, 'Doomed');
    view.page.once('dialog', dialog => dialog.accept());
    await view.page.click('#delete-merchant');
    await until(() => view.page.url().endsWith('#/manage'));
    await assert.rejects(get('merchants/doomed'), /not_found/);
    await view.close();
  });

  test('unsaved changes are not lost without a question', async () => {
    await edit('unsaved', {}, async (view, name) => {
      await view.type('phone', '5');
      await view.page.click('#tabs a[href="#/"]');
      await until(() => view.page.isVisible('#leave-stay'));
      assert.ok(view.page.url().endsWith('#/manage/merchants/unsaved'));
      await view.page.click('#leave-stay');
      assert.equal(await view.page.inputValue(view.control('phone')), '5');
      // A reload is asked about by the browser.
      const asked = await view.page.evaluate(() => {
        const event = new Event('beforeunload', { cancelable: true });
        dispatchEvent(event);
        return event.defaultPrevented;
      });
      assert.equal(asked, true);
      await view.page.click('#tabs a[href="#/"]');
      await view.page.click('#leave-go');
      await until(() => view.page.isVisible('#search'));
      assert.equal((await get(name)).phone, undefined);
    });
  });

  test('changes can be discarded', async () => {
    await edit('discarded', { phone: '1' }, async view => {
      await view.type('phone', '2');
      await view.openSection('area');
      await view.page.selectOption('#area-kind', 'radius');
      await view.page.click('#discard');
      assert.deepEqual([await view.page.inputValue(view.control('phone')), await view.page.inputValue('#area-kind')], ['1', 'none']);
      assert.equal(await view.page.isDisabled('#save'), true);
    });
  });
};
