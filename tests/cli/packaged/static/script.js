JsPyFunction.expose("through_python", (number) => JsPyFunction.call("double")(number));
