# SPDX-FileCopyrightText: 2026 The Expertscope authors
# SPDX-License-Identifier: Apache-2.0
"""Text for the tokenizer goldens: sentences in many languages, and pieces to put torture strings together from."""

SENTENCES = {
    "en": ["The old bridge over the river was closed for repairs last winter.",
           "She bought three kilos of apples and a loaf of bread at the market.",
           "Can you tell me when the next train leaves? I don't think they've said."],
    "de": ["Die alte Brücke über den Fluss war im letzten Winter wegen Bauarbeiten gesperrt.",
           "Sie kaufte auf dem Markt drei Kilo Äpfel und einen Laib Brot für Tante Grüße.",
           "Können Sie mir sagen, wann der nächste Zug abfährt? STRASSE, Straße, STRAẞE."],
    "fr": ["Le vieux pont au-dessus de la rivière était fermé pour travaux l'hiver dernier.",
           "Elle a acheté trois kilos de pommes et une miche de pain au marché, s'il vous plaît.",
           "Pouvez-vous me dire quand part le prochain train ? « Bien sûr ! » L'œuvre, le cœur, où ça ?"],
    "es": ["El viejo puente sobre el río estuvo cerrado por reparaciones el invierno pasado.",
           "Compró tres kilos de manzanas y una barra de pan en el mercado del pueblo.",
           "¿Puede decirme cuándo sale el próximo tren? ¡Mañana por la mañana, señor!"],
    "it": ["Il vecchio ponte sul fiume è rimasto chiuso per lavori lo scorso inverno.",
           "Ha comprato tre chili di mele e una pagnotta di pane al mercato; perché no?"],
    "pt": ["A velha ponte sobre o rio esteve fechada para obras no inverno passado.",
           "Ela comprou três quilos de maçãs e um pão no mercado. Não há razão, irmãos."],
    "nl": ["De oude brug over de rivier was afgelopen winter gesloten wegens reparaties.",
           "Ze kocht drie kilo appels en een brood op de markt; 's avonds was het ijs op."],
    "sv": ["Den gamla bron över älven var stängd för reparation förra vintern.",
           "Hon köpte tre kilo äpplen och en limpa bröd på torget. Åtta små möss."],
    "da": ["Den gamle bro over åen var lukket på grund af reparation sidste vinter. Rødgrød med fløde."],
    "fi": ["Joen ylittävä vanha silta oli viime talvena suljettu korjaustöiden vuoksi.",
           "Hän osti torilta kolme kiloa omenoita ja leivän, hyvää päivää ja yötä."],
    "is": ["Gamla brúin yfir ána var lokuð vegna viðgerða síðasta vetur. Þetta er ágætt, sæl og bless."],
    "hu": ["A folyón átívelő régi hidat tavaly télen javítás miatt lezárták.",
           "Három kiló almát és egy kenyeret vett a piacon. Árvíztűrő tükörfúrógép."],
    "pl": ["Stary most nad rzeką był zeszłej zimy zamknięty z powodu remontu.",
           "Kupiła na targu trzy kilo jabłek i bochenek chleba. Zażółć gęślą jaźń."],
    "cs": ["Starý most přes řeku byl loni v zimě uzavřen kvůli opravám.",
           "Na trhu koupila tři kila jablek a bochník chleba. Příliš žluťoučký kůň úpěl ďábelské ódy."],
    "ro": ["Podul vechi de peste râu a fost închis pentru reparații iarna trecută. Și țara, ştiinţă."],
    "tr": ["Nehrin üzerindeki eski köprü geçen kış onarım için kapatıldı.",
           "Pazardan üç kilo elma ve bir somun ekmek aldı. ISPARTA ılık, İstanbul iyi, IĞDIR."],
    "vi": ["Cây cầu cũ bắc qua sông đã bị đóng cửa để sửa chữa vào mùa đông năm ngoái.",
           "Cô ấy đã mua ba ký táo và một ổ bánh mì ở chợ. Bạn có thể cho tôi biết không?"],
    "id": ["Jembatan tua di atas sungai itu ditutup untuk perbaikan pada musim dingin lalu."],
    "sw": ["Daraja la zamani juu ya mto lilifungwa kwa ukarabati majira ya baridi yaliyopita."],
    "yo": ["Ẹ káàárọ̀, báwo ni ẹ ṣe wà? Ọjà náà ti ṣí ní òwúrọ̀."],
    "ru": ["Старый мост через реку прошлой зимой был закрыт на ремонт.",
           "Она купила на рынке три килограмма яблок и буханку хлеба. Ёлка, ещё, ЁЖ.",
           "Скажите, пожалуйста, когда отправляется следующий поезд?"],
    "uk": ["Старий міст через річку минулої зими був закритий на ремонт.",
           "Вона купила на ринку три кілограми яблук і буханець хліба. Їжак, її, ґанок, п'ять."],
    "bg": ["Старият мост над реката беше затворен за ремонт миналата зима."],
    "el": ["Η παλιά γέφυρα πάνω από το ποτάμι ήταν κλειστή για επισκευές τον περασμένο χειμώνα.",
           "Αγόρασε τρία κιλά μήλα και ένα καρβέλι ψωμί. ΟΔΥΣΣΕΥΣ, Ὀδυσσεύς, μῆνιν ἄειδε θεά."],
    "hy": ["Գետի վրայի հին կամուրջը անցած ձմռանը փակ էր վերանորոգման համար։"],
    "ka": ["მდინარეზე ძველი ხიდი გასულ ზამთარს შეკეთების გამო დაკეტილი იყო."],
    "ar": ["كان الجسر القديم فوق النهر مغلقًا للإصلاح في الشتاء الماضي.",
           "اشترت ثلاثة كيلوغرامات من التفاح ورغيف خبز من السوق، أليس كذلك؟ بِسْمِ اللَّهِ"],
    "fa": ["پل قدیمی روی رودخانه زمستان گذشته برای تعمیر بسته بود. می‌خواهم بروم."],
    "ur": ["دریا پر پرانا پل پچھلی سردیوں میں مرمت کے لیے بند تھا۔"],
    "he": ["הגשר הישן מעל הנהר היה סגור לתיקונים בחורף שעבר.",
           "היא קנתה בשוק שלושה קילו תפוחים וכיכר לחם. שָׁלוֹם עֲלֵיכֶם"],
    "hi": ["नदी पर बना पुराना पुल पिछली सर्दियों में मरम्मत के लिए बंद था।",
           "उसने बाज़ार से तीन किलो सेब और एक रोटी ख़रीदी। क्या आप बता सकते हैं?"],
    "bn": ["নদীর উপরের পুরনো সেতুটি গত শীতে মেরামতের জন্য বন্ধ ছিল।"],
    "ta": ["ஆற்றின் மேல் உள்ள பழைய பாலம் கடந்த குளிர்காலத்தில் பழுதுபார்க்க மூடப்பட்டது."],
    "te": ["నదిపై ఉన్న పాత వంతెన గత శీతాకాలంలో మరమ్మతుల కోసం మూసివేయబడింది."],
    "si": ["ගඟ හරහා ඇති පැරණි පාලම පසුගිය ශීත ඍතුවේ වසා තිබුණි."],
    "th": ["สะพานเก่าข้ามแม่น้ำปิดซ่อมเมื่อฤดูหนาวที่แล้ว",
           "เธอซื้อแอปเปิลสามกิโลกรัมและขนมปังหนึ่งก้อนที่ตลาด น้ำใจ"],
    "lo": ["ຂົວເກົ່າຂ້າມແມ່ນ້ຳຖືກປິດເພື່ອສ້ອມແປງ."],
    "km": ["ស្ពានចាស់ឆ្លងកាត់ទន្លេត្រូវបានបិទដើម្បីជួសជុល។"],
    "my": ["မြစ်ကူးတံတားဟောင်းကို ပြုပြင်ရန် ပိတ်ထားသည်။"],
    "am": ["በወንዙ ላይ ያለው አሮጌ ድልድይ ባለፈው ክረምት ለጥገና ተዘግቶ ነበር።"],
    "zh": ["河上的老桥去年冬天因维修而关闭。",
           "她在市场上买了三公斤苹果和一条面包。请问下一班火车几点出发?",
           "人工智能模型（MoE）把每个词元路由到少数几个“专家”。"],
    "zh_TW": ["河上的老橋去年冬天因維修而關閉。「請問下一班火車幾點開?」"],
    "ja": ["川に架かる古い橋は、去年の冬に修理のため閉鎖されていた。",
           "彼女は市場でリンゴを三キロとパンを一斤買いました。次の電車はいつ出ますか？",
           "ｶﾀｶﾅ、カタカナ、がぎぐげご、ＡＢＣ１２３。"],
    "ko": ["강 위의 오래된 다리는 지난겨울 보수 공사로 폐쇄되었다.",
           "그녀는 시장에서 사과 3킬로와 빵 한 덩어리를 샀습니다. 다음 기차는 언제 떠나나요?"],
    "mn": ["Голын дээрх хуучин гүүр өнгөрсөн өвөл засварын улмаас хаалттай байв."],
    "bo": ["བོད་སྐད་ཀྱི་ཡི་གེ།"],
}

CODE = [
    "def gate(x, k=2):\n    p = softmax(x @ W.T)\n    return p.topk(k)\n",
    "for (int i = 0; i < n; ++i) {\n\tsum += a[i] * b[i];\n}\n",
    "#include <vector>\ntemplate <typename T>\nauto f(T&& t) -> decltype(t());\n",
    "SELECT id, name FROM experts WHERE layer >= 3 AND load <> 0 ORDER BY load DESC;",
    "<p class=\"note\">a &amp; b</p><!-- c -->\n<br/>",
    "{\"a\": [1, 2.5e-3, null, true], \"b\": \"\\u00e9\\n\"}",
    "if x==1:\r\n    y='it''s'\r\nelse:\r\n\ty=\"she's\"\r\n",
    "git commit -m 'fix: don\\'t crash' && make -j8 2>&1 | tail -n 20",
    "https://example.org/path/to/page.html?query=a%20b&lang=de#frag-1",
    "mailto:someone+tag@example.co.uk, ftp://192.168.0.1:21/~user",
    "C:\\Users\\name\\file (1).txt",
    "$\\sum_{i=1}^{n} x_i^2 \\leq \\frac{1}{2}\\int_0^\\infty e^{-t}\\,dt$",
    "∀ε>0 ∃δ>0: |x−a|<δ ⇒ |f(x)−f(a)|<ε; ∑∏∫√∞≈≠≤≥±×÷ℝℂℕ",
    "x² + y³ = z⁴, H₂O, ½ + ¼ = ¾, 5′ 3″, 20 °C, №7, ™ © ®",
    "price: $1,234.56 / €1.234,56 / £99 / ¥1000 / ₹5,00,000 / 100%",
    "2024-02-29T23:59:59.999Z 12:30pm 1e10 0xDEADBEEF 1_000_000 3.14159265358979",
]

WHITESPACE = [" ", "  ", "   ", "\t", "\t\t", "\n", "\n\n", "\r\n", "\r", " \n", "\n ", " \n ", "\t \n", "\v", "\f",
              "\x85", "\u00a0", "\u1680", "\u2000", "\u2003", "\u2009", "\u200a", "\u2028", "\u2029", "\u202f",
              "\u205f", "\u3000", " \u00a0 ", "\u3000\u3000", "\r\n\r\n", "\n\r", "     ", " \t ", "\u2028\n"]

LINE_ENDS = [" \n \n\n  \n x", "a\n\n\n  b\r\n\r\n c", "a\r  b", "a\r\tb", "x \r \r   y", "y\n   \r  z", "!\r\r  ?",
             "a \u2028  b", "a\t\n b", "?\n\n  x", "1\n2", "{\r\n\t}"]

INVISIBLE = ["\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u200e", "\u200f", "\u202a", "\u202b",
             "\u202c", "\u202e", "\u2066", "\u2069", "\u180e", "\u034f", "\ufe0f", "\ufe0e", "\u061c", "\U000e0001",
             "\U000e0067"]

CONTROLS = ["\x00", "\x01", "\x07", "\x08", "\x1b[31m", "\x1c", "\x1d", "\x1e", "\x1f", "\x7f", "\x80", "\x9f",
            "\ufffe", "\uffff", "\ufdd0", "\U0001ffff", "\U0010ffff", "\ufffd", "\ue000", "\U000f0000"]

EMOJI = ["😀", "👍🏽", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🇩🇪", "🇫🇷🇯🇵", "🇺", "❤️", "❤", "☎️", "1️⃣", "#️⃣", "🤷🏻‍♀️", "👩‍💻",
         "🧑🏿‍🚀", "©️", "🀄", "🂡"]

COMBINING = ["e\u0301", "a\u0308\u0304", "n\u0303", "\u0301", "\u0301\u0301a", "o\u0302\u0301", "o\u0301\u0302",
             "q\u0307\u0323", "q\u0323\u0307", "Å", "Å", "A\u030a", "ﬁ", "ﬃ", "ǆ", "ŉ", "ẛ̣", "s\u0323\u0307", "ḍ̇",
             "क\u093c", "क़", "ড\u09bc", "\u1100\u1161", "\u1100\u1161\u11a8", "가\u11a8", "ᄀ가각",
             "\u1112\u1161\u11ab\u1100\u1173\u11af", "ㄱㅏㄱ", "か\u3099", "ﾊﾟ", "は\u309a", "ꙮ", "z̷͔̈a̶͎͝l̵̲̈́g̸̰̈́o̴̡̕",
             "ﷺ", "ﻻ", "①", "㎏", "Ⅷ", "ª", "½", "…", "´", "ͅ", "ſ", "İ", "ı", "ẞ", "Ω", "K", "；", "豈", "\u0344",
             "\u0958", "𝅗𝅥", "\U0002f800"]

ASTRAL = ["𝒽𝑒𝓁𝓁𝑜", "𝟙𝟚𝟛", "𐍈𐌰𐌽", "𐤀𐤁", "𒀀𒁀", "𓀀𓁐", "𠀀𠮷野家", "🄰🅱", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢", "𐐷𐐔", "𞤀𞤣", "𝕏²"]

DIGITS = ["0", "12", "123", "1234", "12345", "1234567", "00000000", "3.14", "1,000,000", "٠١٢٣٤", "۱۲۳۴", "०१२३४५",
          "௧௨௩", "๑๒๓๔", "០១២", "一二三四五", "１２３４", "Ⅰ Ⅱ Ⅻ", "²³¹", "①②③", "½¾", "1st 2nd", "v2.0.1", "7\u00a0000",
          "1'000", "90°", "𝟗𝟗", "໑໒", "߁߂", "㊿", "൧൨൩൰"]

CONTRACTIONS = ["I'm", "don't", "we've", "they're", "he'll", "she'd", "it's", "I'M", "DON'T", "WE'VE", "THEY'RE",
                "HE'LL", "SHE'D", "IT'S", "It'S", "y'all'd've", "'s", "'S", "'ſ", "'tis", "'TIS", "'RE", "'rE", "'Ll",
                "' s", "''s", "it’s", "IT’S", "o'clock", "rock'n'roll", "'Tis'nt", "l'été", "qu'il", "x's2", "1's",
                "_'s", " 's", "'d'D'm'M", "'veto", "'llama", "'redo", "'ＳS"]

PUNCTUATION = ["!", "...", "?!", "--", "—", "––", "「」", "《》", "、。", "،؛", "।", "¿¡", "&&", "||", "::", "->", "=>",
               "!=", "/*", "*/", "//", "\\n", "\\", "'", "\"", "“”", "‘’", "`", "```", "_", "__init__", "@", "#",
               "##", "$", "%", "^", "~", "<", ">", "</", "/>", "{{", "}}", "[[", "(", ")", "()", ".,;:", "•", "†",
               "§", "¶", "→", "⇒", "■□", "░▒▓", "♠♥", "★", "☃", "\u2581", "a\u2581b", "\u2581\u2581", "\u2581 \u2581",
               "Ġ", "Ċ", "Ġa", "<0x41>", "<0x00>", "▁the", "!\n", "!\n\n", ".\r\n", "?\t\n", "…\n…"]
