"""Sentences as an assistant writes them, the passages cited for them, and whether these hold them.

Written by hand, in five fields and two languages; the false ones are mistakes that models make.
"""

from __future__ import annotations

RETURNS = (
    "# Returns\n\n- Mugs may be sent back up to thirty days after delivery.\n"
    "- Wholesale orders cannot be returned at all.\n"
    "- The buyer pays $4.50 for the parcel; members of the Kiln Club pay nothing."
)
LEASE = (
    "This Agreement is made on 1 March 2021 between Harbour Estates Ltd (the Landlord) and Priya "
    "Raman (the Tenant). The term is three years. Rent of £1,250 is due on the first day of each "
    "month. Either party may terminate by giving not less than 60 days' written notice. The Tenant "
    "shall not sublet the premises without the written consent of the Landlord. A deposit of "
    "£2,500 is held by Mydeposits and returned within ten days of the end of the term."
)
CODE = (
    "`open_session(url, timeout_s=30)` returns a `Session`. Connections are retried three times "
    "with exponential backoff when the server answers 503. It raises `SessionClosed` if the "
    "session was closed before. Sessions are not thread-safe: create one for each thread. Since "
    "version 2.4.1 cookies are stored in SQLite; earlier versions kept them in memory."
)
FINANCE = (
    "Net sales increased 8% to $94.8 billion in fiscal 2023, compared with $87.8 billion in fiscal "
    "2022. Operating income fell to $6.1 billion because of higher freight costs. The company "
    "repurchased 2,300,000 shares at an average price of $141. Europe accounted for a quarter of "
    "net sales, and Asia for 12%. Maria Lopez succeeded Daniel Weber as chief financial officer in "
    "May 2023."
)
MEDICINE = (
    "Adults take one 500 mg tablet of amoxicillin every eight hours for seven days. The trial by "
    "Okafor and colleagues enrolled 1,204 patients in Nigeria and Ghana; mortality fell from 12.4% "
    "to 8.1%. The drug should not be given to people with a penicillin allergy. Common side "
    "effects are nausea and diarrhoea. It had no effect on blood pressure."
)
KILN = (
    "The gas kiln was built in 1962 by Tomas Lindqvist. It reaches 1280 degrees in nine hours. "
    "Stoneware is fired on Fridays, porcelain on Tuesdays. In 1926 the workshop had moved from "
    "Graz to Vienna. Glazes that contain lead are forbidden in the studio."
)
RETURNS_ZH = (
    "本店欢迎光临。会员可在收货后三十天内退货。退货运费由买家承担，每件15元。批发订单一律不得退货。"
)
LEASE_ZH = (
    "本合同由海港置业有限公司（出租方）与李明华（承租方）于2021年3月1日签订。租期为三年，月租金为"
    "12,500元，于每月5日前支付。任何一方可提前60天书面通知解除合同。未经出租方书面同意，承租方不得转租。"
)
FINANCE_ZH = (
    "2023年公司营业收入增长8%，达到948亿元，2022年为878亿元。由于运费上涨，营业利润下降至61亿元。"
    "欧洲市场占总收入的四分之一，亚洲占12%。张丽于2023年5月接替王强出任首席财务官。"
)
MEDICINE_ZH = (
    "成人每八小时服用一片500毫克的阿莫西林，疗程七天。该试验在尼日利亚和加纳招募了1204名患者，"
    "死亡率由12.4%降至8.1%。对青霉素过敏者禁用。常见副作用为恶心和腹泻。"
)
KILN_ZH = (
    "燃气窑由陈志远于1962年建造。窑炉在九小时内达到1280度。炻器在星期五烧制，瓷器在星期二烧制。"
    "1926年工作室从苏州迁往景德镇。工作室的教材是《釉料配方》，参考书是《陶瓷史》。"
)

TRUE = [
    ("You can return mugs within 30 days.", RETURNS),
    ("Returns of mugs are accepted for up to 30 days after they are delivered.", RETURNS),
    ("Wholesale orders are not returnable.", RETURNS),
    ("Sending a mug back costs the buyer $4.50.", RETURNS),
    ("Kiln Club members pay no return postage.", RETURNS),
    ("The lease runs for 36 months.", LEASE),
    ("The tenant, Priya Raman, pays £1250 in rent at the beginning of every month.", LEASE),
    ("Either side can end the agreement with at least sixty days' notice in writing.", LEASE),
    ("Subletting is forbidden unless the landlord agrees in writing.", LEASE),
    ("The deposit of £2,500 must be paid back within 10 days after the lease ends.", LEASE),
    ("Harbour Estates and Priya Raman signed the agreement on March 1, 2021.", LEASE),
    ("By default, `open_session` times out after 30 seconds.", CODE),
    ("If the server responds with a 503, the connection is retried 3 times.", CODE),
    ("You should create a separate session for each thread because they aren't thread-safe.", CODE),
    ("Before version 2.4.1, cookies were only kept in memory.", CODE),
    ("Using a session that has been closed raises `SessionClosed`.", CODE),
    ("In fiscal 2023, net sales rose by 8 percent to $94.8 billion.", FINANCE),
    ("Net sales grew from $87.8bn in 2022 to $94.8bn in 2023.", FINANCE),
    ("Operating income declined to about $6 billion as freight became more expensive.", FINANCE),
    ("The company bought back 2.3 million shares, paying $141 on average.", FINANCE),
    ("Maria Lopez became CFO in May 2023, replacing Daniel Weber.", FINANCE),
    ("About 25% of net sales came from Europe.", FINANCE),
    ("Adults should take a 500 mg tablet every 8 hours for one week.", MEDICINE),
    ("The study by Okafor enrolled about 1,200 patients in Nigeria and Ghana.", MEDICINE),
    ("Mortality dropped from 12.4 percent to 8.1 percent.", MEDICINE),
    ("People who are allergic to penicillin must not take it.", MEDICINE),
    ("Blood pressure was not affected.", MEDICINE),
    ("Tomas Lindqvist built the gas kiln in 1962.", KILN),
    ("The kiln takes 9 hours to get to 1,280 degrees.", KILN),
    ("Porcelain is fired on Tuesdays.", KILN),
    ("The workshop relocated to Vienna from Graz in 1926.", KILN),
    ("You may not use glazes with lead in them.", KILN),
    ("会员收到货后30天内可以退货。", RETURNS_ZH),
    ("每件退货需要买家支付十五元运费。", RETURNS_ZH),
    ("批发订单不能退货。", RETURNS_ZH),
    ("租期三年，每月租金为一万二千五百元。", LEASE_ZH),
    ("双方均可提前六十天以书面形式通知对方解除合同。", LEASE_ZH),
    ("承租方转租需要出租方书面同意。", LEASE_ZH),
    ("公司2023年的营业收入达到948亿元，同比增长百分之八。", FINANCE_ZH),
    ("因运费上涨，公司的营业利润降到了61亿元。", FINANCE_ZH),
    ("2023年5月，张丽接替王强担任首席财务官。", FINANCE_ZH),
    ("成人每8小时服用一片阿莫西林，连续服用7天。", MEDICINE_ZH),
    ("试验中死亡率从12.4%下降到8.1%。", MEDICINE_ZH),
    ("青霉素过敏的人不能使用。", MEDICINE_ZH),
    ("1962年，陈志远建造了这座燃气窑。", KILN_ZH),
    ("窑炉需要9个小时才能升到1280度。", KILN_ZH),
    ("瓷器每周二烧制。", KILN_ZH),
]
FALSE = [
    ("You can return mugs within 60 days.", RETURNS),
    ("Wholesale orders can be returned.", RETURNS),
    ("Sending a mug back costs the buyer $5.40.", RETURNS),
    ("Members of the Glaze Circle pay nothing for the parcel.", RETURNS),
    ("Gift vouchers are valid for 36 months.", RETURNS),
    ("The lease runs for five years.", LEASE),
    ("The rent is £2,500 a month, due on the first day.", LEASE),
    ("Either party may terminate by giving 10 days' written notice.", LEASE),
    ("The tenant is Harbour Holdings Ltd.", LEASE),
    ("The Tenant may sublet the premises without the written consent of the Landlord.", LEASE),
    ("The landlord insures the building against fire.", LEASE),
    ("Connections are retried five times when the server answers 503.", CODE),
    ("It raises `TimeoutError` if the session was closed before.", CODE),
    ("Sessions are thread-safe.", CODE),
    ("Since version 2.1.4 cookies are stored in SQLite.", CODE),
    ("Since version 2.4.1 cookies are stored in Redis.", CODE),
    ("Net sales increased 12% to $94.8 billion in fiscal 2023.", FINANCE),
    ("Operating income rose to $6.1 billion.", FINANCE),
    ("Daniel Weber was succeeded by Maria Santos in May 2023.", FINANCE),
    ("Africa accounted for a quarter of net sales.", FINANCE),
    ("The company repurchased 2.3 billion shares.", FINANCE),
    ("Adults take one 250 mg tablet of amoxicillin every eight hours.", MEDICINE),
    ("The trial enrolled 1,204 patients in Kenya and Ghana.", MEDICINE),
    ("Mortality fell from 12.4% to 1.8%.", MEDICINE),
    ("The drug should be given to people with a penicillin allergy.", MEDICINE),
    ("The drug is sold without a prescription in most pharmacies.", MEDICINE),
    ("The gas kiln was built in 1926 by Tomas Lindqvist.", KILN),
    ("The workshop moved from Vienna to Salzburg in 1926.", KILN),
    ("Stoneware is fired on Tuesdays.", KILN),
    ("The gas kiln was built in 1962 by Noor Haddad.", KILN),
    ("会员可在收货后六十天内退货。", RETURNS_ZH),
    ("批发订单可以退货。", RETURNS_ZH),
    ("退货运费由本店承担，每件15元。", RETURNS_ZH),
    ("租期为五年，月租金为12,500元。", LEASE_ZH),
    ("本合同由海港置业有限公司与王小红于2021年3月1日签订。", LEASE_ZH),
    ("2023年公司营业收入增长12%，达到948亿元。", FINANCE_ZH),
    ("由于运费上涨，营业利润上升至61亿元。", FINANCE_ZH),
    ("公司将在明年推出新的电动汽车产品线。", FINANCE_ZH),
    ("该试验在肯尼亚和加纳招募了1204名患者。", MEDICINE_ZH),
    ("成人每八小时服用一片250毫克的阿莫西林。", MEDICINE_ZH),
    ("燃气窑由陈志远于1926年建造。", KILN_ZH),
    ("1926年工作室从苏州迁往宜兴。", KILN_ZH),
    ("工作室的教材是《陶瓷史》。", KILN_ZH),
]
