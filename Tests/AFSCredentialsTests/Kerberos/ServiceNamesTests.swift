import AFSTypes
import Testing

@testable import AFSCredentials

/// Under what names the servers of a cell are looked for.
@Suite struct ServiceNamesTests {
  private let cell = CellName("cell.example")!

  @Test("The realm of the domain mapping comes first, then the user's, then the cell's name")
  func order() {
    let names = ServiceNames(of: cell, given: nil, mapped: "SITE.EXAMPLE", user: "AD.EXAMPLE").names
    #expect(
      names == [
        "afs/cell.example@SITE.EXAMPLE", "afs@SITE.EXAMPLE", "afs/cell.example@AD.EXAMPLE",
        "afs/cell.example@CELL.EXAMPLE", "afs@CELL.EXAMPLE",
      ])
  }

  @Test("Of a user's realm that is not the cell's the service without a cell is not asked for: it is another cell's")
  func foreign() {
    let names = ServiceNames(of: cell, given: nil, mapped: nil, user: "AD.EXAMPLE").names
    #expect(!names.contains("afs@AD.EXAMPLE") && names.first == "afs/cell.example@AD.EXAMPLE")
  }

  @Test("Each name is tried once, and a realm that is asked for alone")
  func once() {
    #expect(
      ServiceNames(of: cell, given: nil, mapped: "CELL.EXAMPLE", user: "CELL.EXAMPLE").names
        == ["afs/cell.example@CELL.EXAMPLE", "afs@CELL.EXAMPLE"])
    #expect(
      ServiceNames(of: cell, given: "OTHER", mapped: "SITE.EXAMPLE", user: "AD.EXAMPLE").names
        == ["afs/cell.example@OTHER", "afs@OTHER"])
  }

  @Test("A realm in small letters that is the cell's name is its realm")
  func smallLetters() {
    #expect(ServiceNames(of: cell, given: nil, mapped: nil, user: "cell.example").names.contains("afs@cell.example"))
  }
}
