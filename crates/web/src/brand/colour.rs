//! Colours, and whether text in them can be read.

use std::fmt::{self, Display, Formatter};

/// A colour of the sRGB space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Colour {
    red: u8,
    green: u8,
    blue: u8,
}

/// The least contrast of text (WCAG 2.2, 1.4.3).
const READABLE: f64 = 4.5;

impl Colour {
    /// The darkest background of text in the light stylesheet; in `assets/app.css` too.
    pub(super) const LIGHT_SURFACE: Self = Self::of(0xf4, 0xf5, 0xf6);
    /// The lightest background of text in the dark stylesheet; in `assets/app.css` too.
    pub(super) const DARK_SURFACE: Self = Self::of(0x22, 0x27, 0x2c);
    /// The accent where none is configured.
    pub(super) const DEFAULT: Self = Self::of(0x1d, 0x6b, 0x57);

    const fn of(red: u8, green: u8, blue: u8) -> Self {
        Self { red, green, blue }
    }

    /// Reads `#1d6b57`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?;
        if digits.len() != 6 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        let part = |at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
        Some(Self::of(part(0)?, part(2)?, part(4)?))
    }

    /// Relative luminance (WCAG 2.2).
    fn luminance(self) -> f64 {
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 {
                part / 12.92
            } else {
                ((part + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * linear(self.red) + 0.7152 * linear(self.green) + 0.0722 * linear(self.blue)
    }

    /// The contrast of two colours, from 1 to 21.
    pub(super) fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// The same colour, darker on a light surface and lighter on a dark one, as far as text in it
    /// needs to be. It keeps its hue and its strength: mixed with white or black it would look
    /// washed out.
    pub(super) fn readable_on(self, surface: Self) -> Self {
        let (hue, saturation, lightness) = self.hsl();
        let end = if surface.luminance() > 0.5 { 0.0 } else { 1.0 };
        (0..=64_u8)
            .map(|step| lightness + (end - lightness) * f64::from(step) / 64.0)
            .map(|lightness| Self::of_hsl(hue, saturation, lightness))
            .find(|colour| colour.contrast(surface) >= READABLE)
            .unwrap_or(Self::of_hsl(hue, saturation, end))
    }

    /// Hue from 0 to 6, saturation and lightness from 0 to 1 (CSS Color 4, 7.2).
    fn hsl(self) -> (f64, f64, f64) {
        let [red, green, blue] =
            [self.red, self.green, self.blue].map(|part| f64::from(part) / 255.0);
        let (most, least) = (red.max(green).max(blue), red.min(green).min(blue));
        let (span, lightness) = (most - least, f64::midpoint(most, least));
        if span < f64::EPSILON {
            return (0.0, 0.0, lightness);
        }
        let hue = if most <= red {
            ((green - blue) / span).rem_euclid(6.0)
        } else if most <= green {
            (blue - red) / span + 2.0
        } else {
            (red - green) / span + 4.0
        };
        (hue, span / (1.0 - (2.0 * lightness - 1.0).abs()), lightness)
    }

    /// The other way round (CSS Color 4, 7.1).
    fn of_hsl(hue: f64, saturation: f64, lightness: f64) -> Self {
        let span = saturation * lightness.min(1.0 - lightness);
        let part = |offset: f64| {
            let at = (offset + hue * 2.0).rem_euclid(12.0);
            byte_of(lightness - span * (at - 3.0).min(9.0 - at).clamp(-1.0, 1.0))
        };
        Self::of(part(0.0), part(8.0), part(4.0))
    }
}

/// A part from 0 to 1 as one from 0 to 255.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the value lies between both ends"
)]
fn byte_of(part: f64) -> u8 {
    (part.clamp(0.0, 1.0) * 255.0).round() as u8
}

impl Display for Colour {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn contrast_is_what_the_guidelines_say() {
        let (black, white) = (Colour::of(0, 0, 0), Colour::of(255, 255, 255));
        assert!((black.contrast(white) - 21.0).abs() < 0.01);
        let grey = Colour::parse("#767676").unwrap();
        assert!((grey.contrast(white) - 4.54).abs() < 0.01);
    }

    #[rstest]
    #[case("#ffffff")]
    #[case("#000000")]
    #[case("#ffff00")]
    #[case("#1d6b57")]
    #[case("#7f7f7f")]
    #[case("#0000ff")]
    #[case("#ff0000")]
    fn every_accent_can_be_read_on_both_themes(#[case] accent: &str) {
        let accent = Colour::parse(accent).unwrap();
        for surface in [Colour::LIGHT_SURFACE, Colour::DARK_SURFACE] {
            let shown = accent.readable_on(surface);
            assert!(shown.contrast(surface) >= READABLE, "{shown} on {surface}");
        }
        let white = Colour::of(255, 255, 255);
        assert!(accent.readable_on(Colour::LIGHT_SURFACE).contrast(white) >= READABLE);
    }

    #[test]
    fn an_accent_that_can_be_read_is_left_as_it_is() {
        assert_eq!(
            Colour::DEFAULT.readable_on(Colour::LIGHT_SURFACE),
            Colour::DEFAULT
        );
    }

    #[test]
    fn an_accent_that_is_made_lighter_is_not_washed_out() {
        let (hue, saturation, lightness) = Colour::DEFAULT.hsl();
        let shown = Colour::DEFAULT.readable_on(Colour::DARK_SURFACE).hsl();
        assert!((shown.0 - hue).abs() < 0.05 && (shown.1 - saturation).abs() < 0.02);
        assert!(shown.2 > lightness);
        for text in ["#000000", "#ffffff", "#1d6b57", "#c01f7a", "#123456"] {
            let colour = Colour::parse(text).unwrap();
            let (hue, saturation, lightness) = colour.hsl();
            assert_eq!(Colour::of_hsl(hue, saturation, lightness), colour);
        }
    }

    #[test]
    fn the_surfaces_are_those_of_the_stylesheet() {
        let css = include_str!("../../assets/app.css");
        for surface in [Colour::LIGHT_SURFACE, Colour::DARK_SURFACE] {
            assert!(css.contains(&format!("--surface: {surface};")), "{surface}");
        }
    }
}
