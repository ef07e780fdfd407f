import AFSControl
import Glibc
import Testing

@testable import afsfuse

@Suite struct TokenTextTests {
  private func token(id: Int32?, principal: String = "alice@EXAMPLE.COM", expires: Int64?) -> TokenStatus {
    TokenStatus(
      cell: "example.com", state: "valid", principal: principal, viceID: id, expires: expires, source: "", user: 1,
      trouble: nil)
  }

  @Test("Tokens are listed in OpenAFS's words")
  func words() {
    let text = TokenText(
      [
        token(id: 1001, expires: 1000), token(id: nil, expires: 2000), token(id: nil, principal: "", expires: 1),
        token(id: 5, expires: nil),
      ], now: 1500
    ).text
    #expect(
      text == """

        Tokens held by the Cache Manager:

        User's (AFS ID 1001) rxkad tokens for example.com [>> Expired <<]
        User alice@EXAMPLE.COM's rxkad tokens for example.com [Expires \(TokenText.date(2000))]
        rxkad Tokens for example.com [>> Expired <<]
           --End of list--
        """)
  }

  @Test("A token that was taken away is not listed, one that servers refuse says so")
  func states() {
    var refused = token(id: 1001, expires: 2000)
    refused.state = "refused"
    var withdrawn = token(id: 1002, expires: 2000)
    withdrawn.state = "withdrawn"
    let text = TokenText([refused, withdrawn], now: 1500).text
    #expect(text.contains("(AFS ID 1001) rxkad tokens for example.com [>> Refused by the servers <<]\n   --End"))
    #expect(!text.contains("1002"))
  }

  @Test("Dates look as ctime's: month, day, hour and minute")
  func dates() {
    var time = time_t(1_700_000_000)
    let whole = String(cString: ctime(&time))
    #expect(TokenText.date(1_700_000_000) == String(whole.dropFirst(4).prefix(12)))
  }
}
