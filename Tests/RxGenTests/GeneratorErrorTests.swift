import RxGen
import Testing

/// What is wrong with an interface is said with file and line.
@Suite struct GeneratorErrorTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var text: String
    var error: String
    init(_ text: String, _ error: String) {
      self.text = text
      self.error = error
    }
    var testDescription: String { error }
  }

  static let cases: [Case] = [
    Case("struct A { uint32 a };", "A.xg:1: ';' expected, found '}'"),
    Case("struct A { uint32; };", "A.xg:1: a name expected, found ';'"),
    Case("\n\nstrict A;", "A.xg:3: 'strict' begins no declaration"),
    Case("const a = 1", "A.xg:1: ';' expected, found 'end of file'"),
    Case("const a = b;", "A.xg:1: no constant 'b'"),
    Case("const a = 12x;", "A.xg:1: '12x' is no number"),
    Case("const a = 1;\nconst a = 2;", "A.xg:2: 'a' is declared twice"),
    Case("const a = 1; /* never\n ended", "A.xg:1: comment without an end"),
    Case("import \"B.xg", "A.xg:1: string without an end"),
    Case("\nimport \"B.xg\";", "A.xg:2: no file 'B.xg'"),
    Case("import 5;", "A.xg:1: a file name expected, found '5'"),
    Case("const a = $;", "A.xg:1: unexpected character '$'"),
    Case("struct A { B b; };", "A.xg:1: no type 'B'"),
    Case("struct A { B b; };\nstruct B { bool a; };", "A.xg:1: no type 'B'"),
    Case("struct A { bool a; };\nstruct A { bool a; };", "A.xg:2: 'A' is declared twice"),
    Case("struct uint32 { bool a; };", "A.xg:1: 'uint32' is declared twice"),
    Case("struct A {\n  string name;\n};", "A.xg:2: string without its length"),
    Case("struct A {\n  string name[5];\n};", "A.xg:2: string without its length"),
    Case("struct A {\n  opaque name<0>;\n};", "A.xg:2: a length of 0"),
    Case("struct A {\n  uint32 name<99999999>;\n};", "A.xg:2: a length of 99999999"),
    Case("struct A {\n  uint32 name<>;\n};", "A.xg:2: a number or a constant expected, found '>'"),
    Case("struct A { bool names<5>; };", "A.xg:1: 'bool' cannot be an array's element"),
    Case("typedef uint32 W<5>; struct A { W w<2>; };", "A.xg:1: 'W' cannot be an array's element"),
    Case("struct V { opaque o<5>; };\nstruct A { V v[2]; };", "A.xg:2: a fixed array needs elements of one size"),
    Case("service S 1 {\n  procedure A(bool b) = 1;\n};", "A.xg:2: a parameter begins with 'in' or 'out'"),
    Case("service S 1 { method A() = 1; };", "A.xg:1: 'procedure' expected, found 'method'"),
    Case("service S 1 {\n  procedure A() = 1;\n  procedure B() = 1;\n};", "A.xg:3: B has the opcode of A"),
    Case("service S 1 { procedure A() = 1 split; };", "A.xg:1: 'in' or 'out' expected, found ';'"),
    Case("service S 1 { procedure A() = 1 split up; };", "A.xg:1: 'split' is followed by 'in' or 'out'"),
    Case("service S 1 {\n  procedure A() = 1 split out prefix int32;\n};", "A.xg:2: a prefix is uint32 or uint64"),
    Case("service S 1 { procedure A(in T t) = 1; };", "A.xg:1: no type 'T'"),
    Case("service S 4294967296 { };", "A.xg:1: 4294967296 is no service number"),
    Case("service S 1 {\n  procedure A() = -1;\n};", "A.xg:2: -1 is no opcode"),
  ]

  @Test("A faulty interface", arguments: cases)
  func faulty(item: Case) {
    let error = #expect(throws: RxGenError.self) {
      _ = try Generator(sources: ["A.xg": item.text]).generate("A.xg")
    }
    #expect(error?.description == item.error)
  }

  @Test("An error in an imported file names that file")
  func imported() {
    let sources = ["A.xg": "import \"B.xg\";", "B.xg": "\nconst b = c;"]
    let error = #expect(throws: RxGenError.self) { _ = try Generator(sources: sources).generate("A.xg") }
    #expect(error?.description == "B.xg:2: no constant 'c'")
  }

  @Test("Files that import each other are read once each")
  func mutualImport() throws {
    let sources = ["A.xg": "import \"B.xg\"; const a = 1;", "B.xg": "import \"A.xg\"; const b = 2;"]
    let outputs = try Generator(sources: sources).generateAll()
    #expect(outputs.map(\.name) == ["ATypes.swift", "BTypes.swift"])
  }
}
