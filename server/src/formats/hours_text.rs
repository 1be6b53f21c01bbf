//! Opening hours in Chinese, with full-width characters, or with a 12-hour clock, in OpenStreetMap's syntax.

use std::borrow::Cow;

/// Converts a text such as `周一至周五 上午9:00–下午6:00` to `Mo-Fr 09:00-18:00`. A text of which a part is not understood is returned as it
/// is, so that the parser rejects the whole: hours that are half understood are wrong.
pub(super) fn normalize(text: &str) -> Cow<'_, str> {
    let lower = text.to_ascii_lowercase();
    let has_twelve_hours = [" am", " pm", "a.m", "p.m", "0am", "0pm"].iter().any(|mark| lower.contains(mark))
        || lower
            .as_bytes()
            .windows(3)
            .any(|window| matches!(window, [digit, b'a' | b'p', b'm'] if digit.is_ascii_digit()));
    if text.is_ascii() && !has_twelve_hours && !text.contains('~') {
        return Cow::Borrowed(text);
    }
    match Normalizer::new(text).run() {
        Some(normalized) => Cow::Owned(normalized),
        None => Cow::Borrowed(text),
    }
}

/// The meaning of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    /// A day or several, which a time follows.
    Days(&'static str),
    /// A state that ends a rule.
    State(&'static str),
    AllDay,
    Marker(Marker),
    /// A word without meaning of its own.
    Filler,
}

/// The part of the day that a time on a 12-hour clock belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Marker {
    Morning,
    Noon,
    Afternoon,
    /// After midnight.
    Night,
}

/// Words, those that others begin with last.
const WORDS: &[(&str, Word)] = &[
    ("法定节假日", Word::Days("PH")),
    ("国定假日", Word::Days("PH")),
    ("國定假日", Word::Days("PH")),
    ("公众假期", Word::Days("PH")),
    ("公眾假期", Word::Days("PH")),
    ("公共假期", Word::Days("PH")),
    ("节假日", Word::Days("PH")),
    ("節假日", Word::Days("PH")),
    ("法定假日", Word::Days("PH")),
    ("工作日", Word::Days("Mo-Fr")),
    ("平日", Word::Days("Mo-Fr")),
    ("双休日", Word::Days("Sa-Su")),
    ("周末", Word::Days("Sa-Su")),
    ("週末", Word::Days("Sa-Su")),
    ("每天", Word::Days("Mo-Su")),
    ("每日", Word::Days("Mo-Su")),
    ("天天", Word::Days("Mo-Su")),
    ("24小时营业", Word::AllDay),
    ("24小時營業", Word::AllDay),
    ("24小时", Word::AllDay),
    ("24小時", Word::AllDay),
    ("全天候", Word::AllDay),
    ("全天营业", Word::AllDay),
    ("全天", Word::AllDay),
    ("不营业", Word::State("off")),
    ("不營業", Word::State("off")),
    ("休息", Word::State("off")),
    ("关门", Word::State("off")),
    ("關門", Word::State("off")),
    ("公休", Word::State("off")),
    ("店休", Word::State("off")),
    ("营业时间", Word::Filler),
    ("營業時間", Word::Filler),
    ("营业", Word::Filler),
    ("營業", Word::Filler),
    ("次日", Word::Filler),
    ("翌日", Word::Filler),
    ("上午", Word::Marker(Marker::Morning)),
    ("早上", Word::Marker(Marker::Morning)),
    ("早晨", Word::Marker(Marker::Morning)),
    ("清晨", Word::Marker(Marker::Morning)),
    ("中午", Word::Marker(Marker::Noon)),
    ("下午", Word::Marker(Marker::Afternoon)),
    ("傍晚", Word::Marker(Marker::Afternoon)),
    ("晚上", Word::Marker(Marker::Afternoon)),
    ("晚间", Word::Marker(Marker::Afternoon)),
    ("晚間", Word::Marker(Marker::Afternoon)),
    ("凌晨", Word::Marker(Marker::Night)),
    ("早", Word::Marker(Marker::Morning)),
    ("晚", Word::Marker(Marker::Afternoon)),
];

const WEEK: [&str; 4] = ["星期", "礼拜", "禮拜", "周"];
const DAYS: [(char, &str); 8] = [
    ('一', "Mo"),
    ('二', "Tu"),
    ('三', "We"),
    ('四', "Th"),
    ('五', "Fr"),
    ('六', "Sa"),
    ('日', "Su"),
    ('天', "Su"),
];

/// The kind of the part that was written last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    Start,
    Days,
    Time,
    Joint,
    Other,
}

/// A time that was written, for the second time of its range.
#[derive(Clone, Copy)]
struct Time {
    hour: u32,
    marker: Option<Marker>,
}

struct Normalizer {
    chars: Vec<char>,
    at: usize,
    output: String,
    last: Last,
    /// The kind before a joint.
    before_joint: Last,
    marker: Option<Marker>,
    range_start: Option<Time>,
    is_after_dash: bool,
}

impl Normalizer {
    fn new(text: &str) -> Self {
        Self {
            chars: text.trim().chars().map(ascii_form).collect(),
            at: 0,
            output: String::new(),
            last: Last::Start,
            before_joint: Last::Start,
            marker: None,
            range_start: None,
            is_after_dash: false,
        }
    }

    fn rest_starts_with(&self, word: &str) -> bool {
        let length = word.chars().count();
        self.chars.get(self.at..self.at + length).is_some_and(|chars| chars.iter().copied().eq(word.chars()))
    }

    fn run(mut self) -> Option<String> {
        while let Some(c) = self.chars.get(self.at).copied() {
            if let Some(day) = self.weekday() {
                self.days(day);
            } else if let Some((word, meaning)) = WORDS.iter().find(|(word, _)| self.rest_starts_with(word)) {
                self.at += word.chars().count();
                self.word(*meaning);
            } else if c.is_ascii_digit() {
                self.time()?;
            } else if c == '"' {
                self.comment();
            } else {
                self.at += 1;
                self.character(c)?;
            }
        }
        self.marker.is_none().then_some(self.output)
    }

    /// Consumes the name of a weekday; after another one, the character without `周` is enough.
    fn weekday(&mut self) -> Option<&'static str> {
        let day_of = |c: &char| DAYS.iter().find(|(day, _)| day == c).map(|(_, code)| *code);
        let prefix = WEEK.iter().find(|prefix| self.rest_starts_with(prefix));
        let follows_day = self.last == Last::Joint && self.before_joint == Last::Days;
        let skip = match prefix {
            Some(prefix) => prefix.chars().count(),
            None if follows_day => 0,
            None => return None,
        };
        let day = self.chars.get(self.at + skip).and_then(day_of)?;
        self.at += skip + 1;
        Some(day)
    }

    fn word(&mut self, word: Word) {
        match word {
            Word::Days(days) => self.days(days),
            Word::State(state) => {
                self.space();
                self.push(state, Last::Other);
            }
            Word::AllDay if self.last == Last::Start => self.push("24/7", Last::Time),
            Word::AllDay => {
                self.space();
                self.push("00:00-24:00", Last::Time);
            }
            Word::Marker(marker) => self.marker = Some(marker),
            Word::Filler => {}
        }
    }

    /// Writes days. After the times of other days they begin a rule.
    fn days(&mut self, days: &str) {
        let is_list = self.last == Last::Joint && self.before_joint == Last::Days;
        if !is_list && !matches!(self.last, Last::Start | Last::Days) {
            let end = self.output.trim_end_matches([' ', ',', ';']).len();
            self.output.truncate(end);
            if !self.output.is_empty() {
                self.output.push_str("; ");
            }
        } else if self.last == Last::Days {
            self.output.push(',');
        }
        self.push(days, Last::Days);
    }

    /// Writes a time or another number.
    fn time(&mut self) -> Option<()> {
        let hour = self.number()?;
        let mut minute = None;
        if self.take(&[":", "点", "點", "时", "時"]) {
            minute = Some(match self.chars.get(self.at) {
                Some('半') => {
                    self.at += 1;
                    30
                }
                Some(c) if c.is_ascii_digit() => self.number()?,
                _ => 0,
            });
            self.take(&["分"]);
        }
        let clock_mark = self.clock_mark();
        let marker = self.marker.take().or(clock_mark);
        if minute.is_none() && marker.is_none() {
            self.space();
            self.push(&hour.to_string(), Last::Other);
            return Some(());
        }
        let (hour, minute) = (self.hour_of_day(hour, marker)?, minute.unwrap_or(0));
        if hour > 48 || minute > 59 {
            return None;
        }
        self.range_start = Some(Time { hour, marker });
        self.is_after_dash = false;
        self.space();
        self.push(&format!("{hour:02}:{minute:02}"), Last::Time);
        Some(())
    }

    /// Returns the hour on a 24-hour clock. The end of a range without a marker has that of its start; `None` if it is ambiguous.
    fn hour_of_day(&self, hour: u32, marker: Option<Marker>) -> Option<u32> {
        match (marker, hour) {
            (Some(Marker::Afternoon), 0..=11) => Some(hour + 12),
            // Midnight as the end of an evening.
            (Some(Marker::Afternoon), 12)
                if self.is_after_dash && self.range_start.is_some_and(|start| start.hour > 12) =>
            {
                Some(24)
            }
            (Some(Marker::Noon), 1..=2) => Some(hour + 12),
            (Some(Marker::Morning | Marker::Night), 12) => Some(0),
            (Some(_), _) => Some(hour),
            (None, _) => match self.range_start.filter(|_| self.is_after_dash) {
                Some(Time { hour: start, marker: Some(marker) }) if hour <= start && hour <= 12 => {
                    (marker == Marker::Afternoon && hour + 12 > start).then_some(hour + 12)
                }
                _ => Some(hour),
            },
        }
    }

    fn number(&mut self) -> Option<u32> {
        let digits: String =
            self.chars.get(self.at..)?.iter().take_while(|c| c.is_ascii_digit()).take(4).collect();
        self.at += digits.len();
        digits.parse().ok()
    }

    fn take(&mut self, words: &[&str]) -> bool {
        let found = words.iter().find(|word| self.rest_starts_with(word));
        self.at += found.map_or(0, |word| word.chars().count());
        found.is_some()
    }

    /// Consumes `AM`, `p.m.` and the like.
    fn clock_mark(&mut self) -> Option<Marker> {
        let rest: String = self.chars.get(self.at..)?.iter().take(5).collect();
        let mark = rest.trim_start().to_ascii_lowercase();
        let spaces = rest.len() - rest.trim_start().len();
        for (word, marker) in [
            ("a.m.", Marker::Morning),
            ("p.m.", Marker::Afternoon),
            ("am", Marker::Morning),
            ("pm", Marker::Afternoon),
        ] {
            let is_word = mark
                .strip_prefix(word)
                .is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric()));
            if is_word {
                self.at += spaces + word.len();
                return Some(marker);
            }
        }
        None
    }

    /// Copies a comment.
    fn comment(&mut self) {
        let length = self.chars.iter().skip(self.at + 1).position(|c| *c == '"');
        let end = length.map_or(self.chars.len(), |length| self.at + length + 2);
        let comment: String = self.chars.get(self.at..end).unwrap_or_default().iter().collect();
        self.space();
        self.push(&comment, Last::Other);
        self.at = end;
    }

    fn character(&mut self, c: char) -> Option<()> {
        match c {
            '-' | '至' | '到' => {
                self.is_after_dash = true;
                self.joint("-");
            }
            ',' | '、' | '和' | '及' | '与' | '與' => self.joint(","),
            ';' | '。' | '\n' => {
                self.output.truncate(self.output.trim_end().len());
                self.push("; ", Last::Other);
                self.range_start = None;
            }
            // `营业时间：周一至周五:9:00`
            ':' if matches!(self.last, Last::Start | Last::Days) => {}
            c if c.is_whitespace() => self.blank(),
            c if c.is_ascii() => self.push(c.encode_utf8(&mut [0; 4]), Last::Other),
            _ => return None,
        }
        Some(())
    }

    fn joint(&mut self, joint: &str) {
        let before = if self.last == Last::Joint { self.before_joint } else { self.last };
        self.output.truncate(self.output.trim_end().len());
        self.output.push_str(joint);
        (self.before_joint, self.last) = (before, Last::Joint);
    }

    /// Keeps white space between parts that are copied; the other parts set their own.
    fn blank(&mut self) {
        if self.last == Last::Other && !self.output.ends_with(' ') {
            self.output.push(' ');
        }
    }

    /// Separates a part from days or times before it.
    fn space(&mut self) {
        if matches!(self.last, Last::Days | Last::Time) {
            self.output.push(' ');
        }
    }

    fn push(&mut self, text: &str, kind: Last) {
        self.output.push_str(text);
        self.last = kind;
    }
}

/// Returns the ASCII character of a full-width form, dash or space.
fn ascii_form(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5d}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        '\u{ff5e}' | '~' | '\u{301c}' | '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        '\u{3000}' | '\u{a0}' | '\u{2009}' | '\u{202f}' => ' ',
        '\u{2236}' => ':',
        '週' => '周',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_and_twelve_hour_texts_become_openstreetmap_syntax() {
        for (text, expected) in [
            ("周一至周五 09:00-18:00", "Mo-Fr 09:00-18:00"),
            ("周一至周五09:00-18:00", "Mo-Fr 09:00-18:00"),
            ("周一至五 9:00~18:00", "Mo-Fr 09:00-18:00"),
            ("週一至週五：０９：００－１８：００", "Mo-Fr 09:00-18:00"),
            ("星期一到星期五 9点-17点半", "Mo-Fr 09:00-17:30"),
            ("周一、周三、周五 10:00–22:00", "Mo,We,Fr 10:00-22:00"),
            ("周一、三、五 10:00–22:00", "Mo,We,Fr 10:00-22:00"),
            ("周一至周五 9:00-18:00 周六周日 10:00-16:00", "Mo-Fr 09:00-18:00; Sa,Su 10:00-16:00"),
            ("周一至周五9:00-18:00，周末10:00-16:00", "Mo-Fr 09:00-18:00; Sa-Su 10:00-16:00"),
            ("每天 上午9:00至下午6:00", "Mo-Su 09:00-18:00"),
            ("每日11:00-14:00，17:00-21:30", "Mo-Su 11:00-14:00,17:00-21:30"),
            ("下午2:00-6:00", "14:00-18:00"),
            ("晚上8点-次日凌晨2点", "20:00-02:00"),
            ("晚上8点-晚上12点", "20:00-24:00"),
            ("中午12:00-下午1:00", "12:00-13:00"),
            ("24小时", "24/7"),
            ("全天", "24/7"),
            ("每天24小时", "Mo-Su 00:00-24:00"),
            ("营业时间：周一至周日 10:00-22:00", "Mo-Su 10:00-22:00"),
            ("周一至周五 9:00-18:00；节假日休息", "Mo-Fr 09:00-18:00; PH off"),
            ("周一休息；周二至周日 9:00-17:00", "Mo off; Tu-Su 09:00-17:00"),
            ("工作日 8:30-17:30", "Mo-Fr 08:30-17:30"),
            ("Mo-Fr 9:00 AM - 5:30 p.m.", "Mo-Fr 09:00-17:30"),
            ("Mo-Fr 9am-12pm, 1pm-5pm", "Mo-Fr 09:00-12:00,13:00-17:00"),
            ("12:00 AM - 11:59 PM", "00:00-23:59"),
            ("Mo–Fr 10:00–18:00", "Mo-Fr 10:00-18:00"),
            ("Mo-Fr 10:00–18:00 \"für Mitglieder\"", "Mo-Fr 10:00-18:00 \"für Mitglieder\""),
        ] {
            assert_eq!(normalize(text), expected, "{text}");
        }
    }

    #[test]
    fn other_texts_stay_as_they_are() {
        for text in [
            "Mo-Fr 09:00-17:00; Sa \"by appointment\"",
            "24/7",
            "Apr-Oct: Mo-Su 8:00-20:00",
            "周一至周五 9:00-18:00（夏季）",
            "请来电咨询",
            "9:00 AM - 5:00",
            "上午",
            "周一至周五 9:75-18:00 上午9",
            "",
        ] {
            assert_eq!(normalize(text), text, "{text}");
        }
    }
}
