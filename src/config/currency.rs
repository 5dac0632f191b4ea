//! Currencies: codes of ISO 4217 with the digits of their minor unit.

use super::decimal::{self, Misfit};
use super::diagnostic::Complaint;
use super::nearest;
use super::plan::Currency;

/// Active codes by digits of the minor unit (ISO 4217 list one, without metals, funds of bonds and test codes).
const CODES: [(u32, &str); 4] = [
    (0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"),
    (
        2,
        "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD \
         CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD \
         GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA \
         MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR \
         RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD \
         TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG",
    ),
    (3, "BHD IQD JOD KWD LYD OMR TND"),
    (4, "CLF UYW"),
];

/// The currency of a code.
pub(super) fn parse(code: &str) -> Result<Currency, Complaint> {
    let known = CODES.iter().find(|(_, codes)| codes.split(' ').any(|known| known == code));
    if let Some((minor_digits, _)) = known {
        return Ok(Currency { code: code.to_owned(), minor_digits: *minor_digits });
    }
    let all = CODES.iter().flat_map(|(_, codes)| codes.split(' '));
    let hint = match nearest::nearest(code, all) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "write a code of ISO 4217 such as `EUR`, `USD` or `JPY`".to_owned(),
    };
    Err(Complaint::new(format!("unknown currency `{code}`"), hint))
}

/// Why a code is no currency of ISO 4217; None where it is one.
pub fn unknown(code: &str) -> Option<String> {
    let complaint = parse(code).err()?;
    Some(format!("{}: {}", complaint.message, complaint.hint))
}

/// An amount in minor units, if it is a whole number of them and not negative.
pub(super) fn minor(amount: f64, currency: &Currency) -> Result<i64, Complaint> {
    let Currency { code, minor_digits } = currency;
    decimal::units(amount, *minor_digits).map_err(|misfit| match misfit {
        Misfit::NoAmount => Complaint::new(
            format!("`{amount}` {code} is not an amount"),
            "write a number that is zero or more",
        ),
        Misfit::TooFine => {
            let digits = *minor_digits as usize;
            let unit = format!("{:.digits$}", 10_f64.powi(-(*minor_digits as i32)));
            Complaint::new(
                format!("`{amount}` {code} is no whole number of the minor unit"),
                format!("{code} has {digits} decimals: write a multiple of `{unit}`"),
            )
        }
        Misfit::TooLarge => Complaint::new(
            format!("`{amount}` {code} is too large"),
            format!("write at most `{}`", i64::MAX / currency.minor_per_unit()),
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_the_digits_of_their_minor_unit() {
        for (code, minor_digits) in [("EUR", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4), ("ISK", 0)] {
            assert_eq!(parse(code).expect(code).minor_digits, minor_digits, "{code}");
        }
        let codes: Vec<&str> = CODES.iter().flat_map(|(_, codes)| codes.split(' ')).collect();
        assert!(
            codes.iter().all(|code| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase()))
        );
        let unique: std::collections::BTreeSet<_> = codes.iter().collect();
        assert_eq!(unique.len(), codes.len());
    }

    #[test]
    fn an_unknown_code_names_the_nearest() {
        assert_eq!(parse("eur").expect_err("case").hint, "did you mean `EUR`?");
        assert!(parse("money").expect_err("unknown").hint.contains("ISO 4217"));
    }

    #[test]
    fn an_amount_is_a_whole_number_of_minor_units() {
        let eur = parse("EUR").expect("EUR");
        let jpy = parse("JPY").expect("JPY");
        let kwd = parse("KWD").expect("KWD");
        assert_eq!(minor(19.99, &eur), Ok(1999));
        assert!(minor(0.1 + 0.7, &eur).is_err(), "0.7999999999999999");
        assert_eq!(minor(5.0, &eur), Ok(500));
        assert_eq!(minor(0.0, &eur), Ok(0));
        assert_eq!(minor(1.005, &kwd), Ok(1005));
        assert_eq!(minor(120.0, &jpy), Ok(120));
        for (amount, currency) in
            [(1.005, &eur), (0.5, &jpy), (-1.0, &eur), (f64::NAN, &eur), (f64::INFINITY, &eur), (1e30, &eur)]
        {
            assert!(minor(amount, currency).is_err(), "{amount}");
        }
    }
}
