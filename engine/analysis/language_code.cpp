// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/analysis/language_code.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace expertscope {

namespace {

struct Family {
    std::string_view name;
    std::string_view languages; ///< codes between spaces
};

constexpr std::array families{
    Family{"Germanic", " en eng de deu nl nld sv swe da dan no nb nob nn nno is isl af afr yi ydd fo fao lb ltz "},
    Family{"Romance", " fr fra es spa it ita pt por ro ron ca cat gl glg oc oci sc srd scn lij lmo vec ast fur "},
    Family{"Slavic", " ru rus uk ukr be bel pl pol cs ces sk slk sl slv hr hrv sr srp bs bos bg bul mk mkd szl "},
    Family{"Baltic", " lt lit lv lvs lav ltg "},
    Family{"Celtic", " ga gle gd gla cy cym br bre "},
    Family{"Indo-Aryan",
        " hi hin ur urd bn ben pa pan gu guj mr mar ne npi nep or ory as asm si sin sd snd ks kas mai bho awa hne mag sa san "},
    Family{"Iranian", " fa pes fas ps pbt pus ku kmr ckb tg tgk prs "},
    Family{"Dravidian", " ta tam te tel kn kan ml mal "},
    Family{"Semitic", " ar arb ara he heb am amh mt mlt ti tir arz apc ary acm acq aeb ajp ars "},
    Family{"Turkic", " tr tur az azj aze kk kaz uz uzn uzb ky kir tk tuk tt tat ba bak ug uig crh azb "},
    Family{"Uralic", " fi fin et est hu hun "},
    Family{"Sinitic", " zh zho cmn yue "},
    Family{"Tibeto-Burman", " my mya bo bod dz dzo kac lus mni "},
    Family{"Austronesian", " id ind ms zsm msa jv jav su sun tl tgl ceb ilo mi mri sm smo mg plt fj fij bug ban ace bjn min pag war "},
    Family{"Austroasiatic", " vi vie km khm sat "},
    Family{"Kra-Dai", " th tha lo lao shn "},
    Family{
        "Bantu", " sw swh swa zu zul xh xho sn sna rw kin rn run lg lug ny nya ln lin st sot tn tsn ts tso ki kik kg kon lua tum umb bem "},
    Family{"Mande", " bm bam dyu "},
};

std::string lower(std::string_view text)
{
    std::string out{text};
    std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

bool isScript(std::string_view part)
{
    return part.size() == 4 && std::all_of(part.begin(), part.end(), [](unsigned char c) { return std::isalpha(c) != 0; });
}

/// Hindi and Urdu are one spoken language (Hindustani) with two codes.
LanguageCode spoken(LanguageCode code)
{
    const bool urdu = code.language == "ur" || code.language == "urd", hindi = code.language == "hi" || code.language == "hin";
    if ((urdu || hindi) && code.script.empty())
        code.script = urdu ? "Arab" : "Deva";
    if (urdu || hindi)
        code.language = "hi-ur";
    return code;
}

} // namespace

LanguageCode languageCode(std::string_view code)
{
    LanguageCode parsed;
    for (std::size_t at = 0; at <= code.size();) {
        const std::size_t end = std::min(code.find_first_of("-_", at), code.size());
        const std::string part = lower(code.substr(at, end - at));
        if (at == 0)
            parsed.language = part;
        else if (isScript(part) && parsed.script.empty()) {
            parsed.script = part;
            parsed.script[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(part[0])));
        } else if (parsed.language == "zh" && parsed.script.empty()) {
            if (part == "cn" || part == "sg")
                parsed.script = "Hans";
            if (part == "tw" || part == "hk" || part == "mo")
                parsed.script = "Hant";
        }
        at = end + 1;
    }
    return parsed;
}

bool sameLanguageInTwoScripts(std::string_view a, std::string_view b)
{
    const LanguageCode x = spoken(languageCode(a)), y = spoken(languageCode(b));
    return x.language == y.language && !x.script.empty() && !y.script.empty() && x.script != y.script;
}

std::string_view languageFamily(std::string_view code)
{
    const std::string word = " " + languageCode(code).language + " ";
    const auto at = std::find_if(
        families.begin(), families.end(), [&](const Family &family) { return family.languages.find(word) != std::string_view::npos; });
    return at == families.end() ? std::string_view{} : at->name;
}

} // namespace expertscope
