import AFSTypes
import Testing

@testable import AFSMockServer

@Suite struct AccessListTests {
  @Test("Negative entries take away what positive ones give")
  func rights() {
    let list = AccessList(positive: [-101: [.read, .lookup], 5: [.write]], negative: [5: [.read]])
    #expect(list.rights(of: [-101]) == [.read, .lookup])
    #expect(list.rights(of: [-101, 5]) == [.lookup, .write])
  }

  @Test("A list survives its textual form; nonsense is refused")
  func text() {
    let list = AccessList(positive: [-101: [.read, .lookup], 5: [.write]], negative: [6: [.delete]])
    let names: [Int32: String] = [-101: "system:anyuser", 5: "alice", 6: "bob"]
    let text = list.text { names[$0] ?? String($0) }
    #expect(text.hasPrefix("2\n1\n"))
    #expect(AccessList(text: text) { name in names.first { $0.value == name }?.key } == list)
    #expect(AccessList(text: "2\n0\nalice 1\n") { _ in 5 } == nil)
    #expect(AccessList(text: "-1\n0\n") { _ in 5 } == nil)
    #expect(AccessList(text: "1\n0\nnobody 1\n") { _ in nil } == nil)
  }
}
