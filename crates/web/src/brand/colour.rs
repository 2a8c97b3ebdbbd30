//! Colours, and whether text in them can be read.

use std::fmt::{self, Display, Formatter};

/// A colour of the sRGB space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Colour {
    red: u8,
    green: u8,
    blue: u8,
}

/// What text needs to be read (WCAG 2.2, 1.4.3).
const READABLE: f64 = 4.5;

impl Colour {
    /// What the light stylesheet has behind text, at its darkest; in `assets/app.css` too.
    pub(super) const LIGHT_SURFACE: Self = Self::of(0xf4, 0xf5, 0xf6);
    /// What the dark stylesheet has behind text, at its lightest; in `assets/app.css` too.
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
    /// needs to be.
    pub(super) fn readable_on(self, surface: Self) -> Self {
        let end: u8 = if surface.luminance() > 0.5 { 0 } else { 255 };
        let toward = |part: u8, step: u16| {
            let (part, end) = (i32::from(part), i32::from(end));
            let moved = part + (end - part) * i32::from(step) / 32;
            u8::try_from(moved).unwrap_or(part_of(end))
        };
        (0..=32)
            .map(|step| {
                Self::of(
                    toward(self.red, step),
                    toward(self.green, step),
                    toward(self.blue, step),
                )
            })
            .find(|colour| colour.contrast(surface) >= READABLE)
            .unwrap_or(Self::of(end, end, end))
    }
}

fn part_of(end: i32) -> u8 {
    if end == 0 { 0 } else { 255 }
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
    fn the_surfaces_are_those_of_the_stylesheet() {
        let css = include_str!("../../assets/app.css");
        for surface in [Colour::LIGHT_SURFACE, Colour::DARK_SURFACE] {
            assert!(css.contains(&format!("--surface: {surface};")), "{surface}");
        }
    }
}
