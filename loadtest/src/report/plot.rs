//! Figures as SVG. The page's CSS defines the colours, for light and dark screens and for print.

use plotters::{
    coord::{
        ranged1d::{KeyPointHint, ValueFormatter},
        types::RangedCoordf64,
    },
    prelude::*,
};

use super::{Phase, RECOVERY, Report};

/// Plotters writes colours as numbers; [`themed`] replaces these placeholders by CSS variables.
const INK: RGBColor = RGBColor(1, 1, 1);
const FAINT: RGBColor = RGBColor(2, 2, 2);
/// One colour per run of a sweep.
const COLORS: usize = 12;
const SIZE: (u32, u32) = (860, 380);

/// A line of a figure.
pub(super) struct Line {
    pub(super) name: String,
    pub(super) points: Vec<(f64, f64)>,
    /// `true` if the points are drawn as well.
    pub(super) is_marked: bool,
}

/// Contents of a figure.
pub(super) struct Figure<'f> {
    pub(super) title: &'f str,
    pub(super) x: &'f str,
    pub(super) y: &'f str,
    pub(super) pool: Vec<Line>,
    pub(super) is_x_log: bool,
    pub(super) is_y_log: bool,
    /// A labelled vertical line at a value of x.
    pub(super) annotation: Option<(f64, String)>,
    /// Formats a value of x.
    pub(super) x_label: fn(f64) -> String,
}

/// Renders latency against offered load as a standalone SVG with its own colours.
#[must_use]
pub fn overview(report: &Report) -> String {
    let svg = throughput(report).map_or_else(String::new, |figure| figure.svg(true));
    let style = "<style>:root{--ink:#1f2328;--faint:#d0d7de;--c1:#0969da;--c2:#bf8700;--c3:#cf222e;--c4:#8250df;--c5:#1a7f37;\
--c6:#bc4c00;--c7:#57606a;--c8:#0550ae;--c9:#953800;--c10:#bf3989;--c11:#0a7ea4;--c12:#4d2d00}@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--faint:#3d444d;\
--c1:#4493f8;--c2:#d29922;--c3:#f85149;--c4:#ab7df8;--c5:#3fb950;--c6:#f0883e;--c7:#9198a1;--c8:#79c0ff;--c9:#ffa657;--c10:#f778ba;--c11:#56d4dd;--c12:#e2c08d}}</style>";
    svg.find('>').map_or_else(String::new, |end| format!("{}{style}{}", &svg[..=end], &svg[end + 1..]))
}

/// Plots latency against offered load.
pub(super) fn throughput(report: &Report) -> Option<Figure<'static>> {
    let mut open: Vec<&Phase> = report
        .phases
        .iter()
        .filter(|phase| phase.offered_per_s.is_some() && phase.name != RECOVERY)
        .collect();
    open.sort_by(|a, b| a.offered_per_s.unwrap_or_default().total_cmp(&b.offered_per_s.unwrap_or_default()));
    if open.len() < 2 {
        return None;
    }
    let line = |name: &str, of: fn(&Phase) -> u64| Line {
        name: name.to_owned(),
        points: open
            .iter()
            .map(|phase| (phase.offered_per_s.unwrap_or_default(), milliseconds(of(phase))))
            .collect(),
        is_marked: true,
    };
    let knee = report.sweep.as_ref().and_then(|sweep| sweep.knee_per_s);
    Some(Figure {
        title: "Latency against offered load",
        x: "calls offered per second",
        y: "milliseconds since the call was due",
        pool: vec![
            line("p50", |phase| phase.latency.p50_us),
            line("p99", |phase| phase.latency.p99_us),
            line("p99.9", |phase| phase.latency.p999_us),
        ],
        is_x_log: false,
        is_y_log: true,
        annotation: knee.map(|knee| (knee, format!("knee {knee:.0}/s"))),
        x_label: thousands,
    })
}

#[expect(clippy::cast_precision_loss, reason = "below a minute of microseconds")]
pub(super) fn milliseconds(us: u64) -> f64 {
    us.max(1) as f64 / 1_000.0
}

/// Formats a number with a suffix for thousands.
pub(super) fn thousands(number: f64) -> String {
    match number {
        number if number >= 10_000.0 => format!("{:.0}k", number / 1_000.0),
        number if number >= 1_000.0 => format!("{:.1}k", number / 1_000.0),
        number if number >= 10.0 => format!("{number:.0}"),
        number => format!("{number:.2}").trim_end_matches('0').trim_end_matches('.').to_owned(),
    }
}

/// A linear or logarithmic axis.
#[derive(Clone)]
struct Axis {
    log: bool,
    low: f64,
    high: f64,
}

impl Axis {
    fn over(values: impl Iterator<Item = f64>, log: bool) -> Self {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.filter(|value| value.is_finite()) {
            low = low.min(value);
            high = high.max(value);
        }
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        let (low, high) = if log {
            (low.max(1e-4) * 0.8, high.max(1e-4) * 1.3)
        } else {
            (low.min(0.0), (high * 1.08).max(1e-9))
        };
        Self { log, low, high }
    }

    fn position(&self, value: f64) -> f64 {
        if self.log { value.max(self.low).log10() } else { value }
    }

    fn value(&self, position: f64) -> f64 {
        if self.log { 10f64.powf(position) } else { position }
    }
}

impl Ranged for Axis {
    type FormatOption = plotters::coord::ranged1d::NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let (low, high) = (self.position(self.low), self.position(self.high));
        RangedCoordf64::from(low..high).map(&self.position(*value), limit)
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if !self.log {
            return RangedCoordf64::from(self.low..self.high).key_points(hint);
        }
        #[expect(clippy::cast_possible_truncation, reason = "a few decades")]
        let decades = (self.low.log10().floor() as i32)..=(self.high.log10().ceil() as i32);
        let all = decades
            .flat_map(|decade| [1.0, 2.0, 5.0].map(|step| step * self.value(f64::from(decade))))
            .collect::<Vec<_>>();
        all.into_iter().filter(|value| (self.low..=self.high).contains(value)).collect()
    }

    fn range(&self) -> std::ops::Range<f64> {
        self.low..self.high
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, value: &f64) -> String {
        thousands(*value)
    }
}

impl Figure<'_> {
    /// Renders the figure; empty if it cannot be drawn.
    pub(super) fn svg(&self, with_legend: bool) -> String {
        let mut svg = String::new();
        {
            let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
            if self.draw(&root, with_legend).is_err() {
                return String::new();
            }
        }
        let mut svg = themed(&svg);
        // The figure scales to the width of its column.
        svg = svg.replacen("<svg width=\"860\" height=\"380\"", "<svg role=\"img\" width=\"100%\"", 1);
        svg.replacen("<svg ", &format!("<svg aria-label=\"{}\" ", self.title), 1)
    }

    fn draw(
        &self,
        root: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
        with_legend: bool,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let all = || self.pool.iter().flat_map(|line| line.points.iter().copied());
        let x = Axis::over(all().map(|(x, _)| x), self.is_x_log);
        let y = Axis::over(all().map(|(_, y)| y), self.is_y_log);
        let font = |size: i32, color: RGBColor| ("sans-serif", size).into_font().color(&color);
        let mut chart = ChartBuilder::on(root)
            .margin(10)
            .margin_right(24)
            .x_label_area_size(42)
            .y_label_area_size(62)
            .build_cartesian_2d(x, y.clone())?;
        chart
            .configure_mesh()
            .bold_line_style(FAINT)
            .light_line_style(TRANSPARENT)
            .axis_style(FAINT)
            .x_label_style(font(13, INK))
            .y_label_style(font(13, INK))
            .axis_desc_style(font(13, INK))
            .x_desc(self.x)
            .y_desc(self.y)
            .x_label_formatter(&|value| (self.x_label)(*value))
            .y_label_formatter(&|value| thousands(*value))
            .draw()?;
        for (at, line) in self.pool.iter().enumerate() {
            let color = color(at);
            let style = color.stroke_width(2);
            let drawn = chart.draw_series(LineSeries::new(line.points.iter().copied(), style))?;
            drawn.label(&line.name).legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
            if line.is_marked {
                chart.draw_series(line.points.iter().map(|point| Circle::new(*point, 3, color.filled())))?;
            }
        }
        if let Some((at, label)) = &self.annotation {
            let dashed = DashedLineSeries::new([(*at, y.low), (*at, y.high)], 5, 4, INK.stroke_width(1));
            chart.draw_series(dashed)?;
            let text = Text::new(label.clone(), (*at, y.high), font(13, INK));
            chart.draw_series(std::iter::once(text))?;
        }
        if with_legend && self.pool.len() > 1 {
            chart
                .configure_series_labels()
                .position(SeriesLabelPosition::UpperLeft)
                .label_font(font(13, INK))
                .border_style(TRANSPARENT)
                .draw()?;
        }
        root.present()?;
        Ok(())
    }
}

impl Figure<'_> {
    /// Renders the legend as HTML, outside the figure, so that it covers no line.
    pub(super) fn legend(&self) -> String {
        let item = |(at, line): (usize, &Line)| {
            format!("<li style=\"--of:var(--c{})\">{}</li>", at % COLORS + 1, line.name)
        };
        match self.pool.len() {
            0 | 1 => String::new(),
            _ => format!(
                "<ul class=\"legend\">{}</ul>",
                self.pool.iter().enumerate().map(item).collect::<String>()
            ),
        }
    }
}

/// Returns the placeholder colour of line `at`.
fn color(at: usize) -> RGBColor {
    RGBColor(3, 0, u8::try_from(at % COLORS + 1).unwrap_or(1))
}

/// Replaces placeholder colours by CSS variables.
fn themed(svg: &str) -> String {
    let mut themed = svg.replace("\"#010101\"", "\"var(--ink)\"").replace("\"#020202\"", "\"var(--faint)\"");
    for at in 1..=COLORS {
        themed = themed.replace(&format!("\"#0300{at:02X}\""), &format!("\"var(--c{at})\""));
    }
    themed.replace("font-family=\"sans-serif\"", "font-family=\"system-ui,sans-serif\"")
}
