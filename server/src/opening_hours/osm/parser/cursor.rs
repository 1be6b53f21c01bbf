//! Position in the tokens of an expression.

use crate::opening_hours::osm::{
    lexer::{Lexeme, Token},
    syntax::SyntaxError,
};

pub(super) struct Cursor<'t> {
    text: &'t str,
    lexemes: &'t [Lexeme<'t>],
    index: usize,
}

impl<'t> Cursor<'t> {
    pub(super) fn new(text: &'t str, lexemes: &'t [Lexeme<'t>]) -> Self {
        Self { text, lexemes, index: 0 }
    }

    pub(super) fn index(&self) -> usize {
        self.index
    }

    pub(super) fn peek(&self) -> Option<Token<'t>> {
        self.peek_at(0)
    }

    /// Returns the token after `ahead` others.
    pub(super) fn peek_at(&self, ahead: usize) -> Option<Token<'t>> {
        self.lexemes.get(self.index + ahead).map(|lexeme| lexeme.token)
    }

    pub(super) fn advance(&mut self) {
        self.index += 1;
    }

    /// Consumes the token if it is the next one.
    pub(super) fn take(&mut self, token: Token<'_>) -> bool {
        let is_next = self.peek() == Some(token);
        self.index += usize::from(is_next);
        is_next
    }

    /// Consumes a comma if the token behind it can continue the list.
    pub(super) fn take_comma_before(&mut self, continues: impl Fn(&Self) -> bool) -> bool {
        if self.peek() != Some(Token::Comma) {
            return false;
        }
        self.advance();
        let continues = continues(self);
        self.index -= usize::from(!continues);
        continues
    }

    /// Consumes a number in a range.
    pub(super) fn number(&mut self, from: u32, to: u32, expected: &'static str) -> Result<u32, SyntaxError> {
        match self.peek() {
            Some(Token::Number(number)) if (from..=to).contains(&number) => {
                self.advance();
                Ok(number)
            }
            _ => Err(self.error(expected)),
        }
    }

    /// Consumes `+ 2 days` or `-1 day`; 0 if it is not there.
    pub(super) fn offset_days(&mut self) -> i16 {
        let sign = match self.peek() {
            Some(Token::Plus) => 1,
            Some(Token::Dash) => -1,
            _ => return 0,
        };
        let (Some(Token::Number(days)), Some(Token::Days)) = (self.peek_at(1), self.peek_at(2)) else {
            return 0;
        };
        let Some(days) = i16::try_from(days).ok().filter(|days| *days <= 366) else { return 0 };
        self.index += 3;
        sign * days
    }

    /// Consumes `[1]`, `[-1]`, `[1-2,4]`.
    pub(super) fn nth(&mut self) -> Result<Vec<i8>, SyntaxError> {
        const EXPECTED: &str = "expected [1] to [5], or [-1] to [-5]";

        if !self.take(Token::OpenBracket) {
            return Err(self.error(EXPECTED));
        }
        let mut nth = Vec::new();
        loop {
            let is_negative = self.take(Token::Dash);
            let from = self.number(1, 5, EXPECTED)?;
            let to =
                if !is_negative && self.take(Token::Dash) { self.number(from, 5, EXPECTED)? } else { from };
            for number in (from..=to).filter_map(|number| i8::try_from(number).ok()) {
                nth.push(if is_negative { -number } else { number });
            }
            if !self.take(Token::Comma) {
                break;
            }
        }
        if self.take(Token::CloseBracket) && nth.len() <= 10 { Ok(nth) } else { Err(self.error(EXPECTED)) }
    }

    pub(super) fn error(&self, problem: &'static str) -> SyntaxError {
        let at = self.lexemes.get(self.index).map_or(self.text.len(), |lexeme| lexeme.at);
        SyntaxError { at, part: self.text[at..].chars().take(20).collect(), problem }
    }
}
